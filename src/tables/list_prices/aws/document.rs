//! Walks a JSON document of any size: objects are entered name by name, and what they hold is read, or passed over, value
//! by value, each from the bytes of a buffer that holds it whole. `serde_json` reads a slice several times faster than a
//! stream, and a value that is not what was expected costs nothing but itself. Never here: what a document says.

use std::borrow::Cow;
use std::io::{self, Read};

use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny};

/// How much is read ahead, and held unless a value is larger.
const BUFFER_BYTES: usize = 256 << 10;
/// No value that is read or passed over whole is near this large.
const MAX_VALUE_BYTES: usize = 64 << 20;

/// Why a document cannot be walked to its end.
#[derive(Debug)]
pub(super) enum Broken {
    /// Its bytes cannot be read.
    Unreadable(io::Error),
    /// It is no JSON from here on.
    Syntax {
        /// Where, in bytes from 0: the start of the value that cannot be read.
        at: u64,
        /// What is wrong.
        reason: String,
    },
}

/// A text of a document, borrowed from it unless there are escapes in it.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// A document, and the place in it that has been reached.
#[derive(Debug)]
pub(super) struct Document<R> {
    source: R,
    buffer: Vec<u8>,
    // What is read and not walked over yet: `at..filled` of the buffer.
    at: usize,
    filled: usize,
    // How much of the document lies before the buffer.
    passed: u64,
    is_ended: bool,
    // Told once everything that was read before it is walked over.
    failure: Option<io::Error>,
    // Nothing of the object that was entered last has been read.
    is_fresh: bool,
}

/// Reads a value that `bytes` begin with, and says how long it is.
pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<(T, usize)> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter();
    match values.next() {
        Some(value) => Ok((value?, values.byte_offset())),
        None => Err(serde_json::Error::custom("there is no value")),
    }
}

/// What is wrong, without the line in the buffer, which would mislead.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

impl<R: Read> Document<R> {
    /// Before the first byte of `source`.
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER_BYTES],
            at: 0,
            filled: 0,
            passed: 0,
            is_ended: false,
            failure: None,
            is_fresh: false,
        }
    }

    /// Enters the object that comes next; `false` when what comes next is none.
    pub(super) fn enter(&mut self) -> Result<bool, Broken> {
        if self.peek()? != b'{' {
            return Ok(false);
        }
        self.at += 1;
        self.is_fresh = true;
        Ok(true)
    }

    /// Goes on to the next value of the object that was entered last and not left, and puts its name into `name`; `false`
    /// at the end of the object, which is left then. The value must be read, entered or passed over before the next call.
    pub(super) fn next_entry(&mut self, name: &mut String) -> Result<bool, Broken> {
        let mut byte = self.peek()?;
        let is_fresh = std::mem::replace(&mut self.is_fresh, false);
        if byte == b'}' {
            self.at += 1;
            return Ok(false);
        }
        if !is_fresh {
            self.expect(b',')?;
            byte = self.peek()?;
        }
        if byte != b'"' {
            return Err(self.syntax("expected a name"));
        }
        let start = self.position();
        let read = self.value(|bytes| {
            let (text, used) = parse::<Text<'_>>(bytes)?;
            name.clear();
            name.push_str(&text.0);
            Ok(((), used))
        })?;
        read.map_err(|error| Broken::Syntax { at: start, reason: reason(&error) })?;
        self.expect(b':')?;
        Ok(true)
    }

    /// Enters the list that comes next; `false` when what comes next is none.
    pub(super) fn enter_list(&mut self) -> Result<bool, Broken> {
        if self.peek()? != b'[' {
            return Ok(false);
        }
        self.at += 1;
        self.is_fresh = true;
        Ok(true)
    }

    /// Goes on to the next value of the list that was entered last and not left; `false` at the end of the list, which is
    /// left then. The value must be read, entered or passed over before the next call.
    pub(super) fn next_element(&mut self) -> Result<bool, Broken> {
        let byte = self.peek()?;
        let is_fresh = std::mem::replace(&mut self.is_fresh, false);
        if byte == b']' {
            self.at += 1;
            return Ok(false);
        }
        if !is_fresh {
            self.expect(b',')?;
            // A value that begins with what ends a list is found out when it is read.
            self.peek()?;
        }
        Ok(true)
    }

    /// Reads the value that comes next, an object, an array or a text, with `read`, which says how long it is. `read` is
    /// called again, with more, when the bytes end before the value does, so it must do nothing before it has the value
    /// whole. A value that is JSON and not what was expected is passed over: that is the error within.
    pub(super) fn value<T>(
        &mut self,
        mut read: impl FnMut(&[u8]) -> serde_json::Result<(T, usize)>,
    ) -> Result<serde_json::Result<T>, Broken> {
        self.peek()?;
        loop {
            match read(self.rest()) {
                Ok((value, used)) => {
                    self.at += used;
                    return Ok(Ok(value));
                }
                Err(error) if error.is_eof() && self.is_ended => return Err(self.syntax(&reason(&error))),
                Err(error) if error.is_eof() => self.fill()?,
                Err(error) => return self.skip().map(|()| Err(error)),
            }
        }
    }

    /// Passes over the value that comes next. It is held whole, unless it is an object or a list: then only what lies
    /// `depth` levels within is.
    pub(super) fn pass_over(&mut self, depth: usize) -> Result<(), Broken> {
        if depth > 0 && self.enter()? {
            let mut name = String::new();
            while self.next_entry(&mut name)? {
                self.pass_over(depth - 1)?;
            }
        } else if depth > 0 && self.enter_list()? {
            while self.next_element()? {
                self.pass_over(depth - 1)?;
            }
        } else {
            self.skip()?;
        }
        Ok(())
    }

    /// Makes sure that nothing comes after the document.
    pub(super) fn end(&mut self) -> Result<(), Broken> {
        match self.next_byte()? {
            None => Ok(()),
            Some(_) => Err(self.syntax("expected the end")),
        }
    }

    fn skip(&mut self) -> Result<(), Broken> {
        self.peek()?;
        loop {
            let rest = self.rest();
            match parse::<IgnoredAny>(rest) {
                // A number says nowhere that it ends.
                Ok((_, used)) if used < rest.len() || self.is_ended => {
                    self.at += used;
                    return Ok(());
                }
                Err(error) if !error.is_eof() || self.is_ended => return Err(self.syntax(&reason(&error))),
                _ => self.fill()?,
            }
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..self.filled).unwrap_or_default()
    }

    /// The byte after all blanks, and nothing at the end of the document.
    fn next_byte(&mut self) -> Result<Option<u8>, Broken> {
        loop {
            let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
            let blanks = self.rest().iter().take_while(is_blank).count();
            self.at += blanks;
            match self.rest().first() {
                Some(byte) => return Ok(Some(*byte)),
                None if self.is_ended => return Ok(None),
                None => self.fill()?,
            }
        }
    }

    fn peek(&mut self) -> Result<u8, Broken> {
        self.next_byte()?.ok_or_else(|| self.syntax("it ends in the middle"))
    }

    fn expect(&mut self, byte: u8) -> Result<(), Broken> {
        if self.peek()? != byte {
            return Err(self.syntax(&format!("expected {:?}", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    fn position(&self) -> u64 {
        self.passed + self.at as u64
    }

    fn syntax(&self, reason: &str) -> Broken {
        Broken::Syntax { at: self.position(), reason: reason.to_owned() }
    }

    /// Reads on until the buffer is full, or the document at its end.
    fn fill(&mut self) -> Result<(), Broken> {
        if let Some(failure) = self.failure.take() {
            return Err(Broken::Unreadable(failure));
        }
        self.buffer.copy_within(self.at..self.filled, 0);
        self.passed += self.at as u64;
        self.filled -= self.at;
        self.at = 0;
        if self.filled == self.buffer.len() {
            if self.filled >= MAX_VALUE_BYTES {
                return Err(self.syntax("a value is too large to be true"));
            }
            self.buffer.resize(self.filled * 2, 0);
        }
        let before = self.filled;
        while let Some(room) = self.buffer.get_mut(self.filled..).filter(|room| !room.is_empty()) {
            match self.source.read(room) {
                Ok(0) => {
                    self.is_ended = true;
                    break;
                }
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.filled == before => return Err(Broken::Unreadable(error)),
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
        }
        Ok(())
    }
}
