//! Logs: lines of text for people, lines of JSON for machines, both with times in UTC and on stderr.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::Arc;

use indicatif::MultiProgress;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::base::Clock;
use crate::base::error::Hinted;

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, with `timestamp`, `level`, `message` and the fields of the event.
    Json,
}

/// What is logged, how and where.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// What a line looks like.
    pub format: LogFormat,
    /// 0 tells what was done; more tells how, less tells only what went wrong.
    pub verbosity: i8,
    /// Directives of `EnvFilter` that replace what `verbosity` stands for.
    pub filter: Option<String>,
    /// Whether levels are coloured; text only.
    pub color: bool,
    /// Tells the time of a line.
    pub clock: Arc<dyn Clock>,
    /// Where lines go.
    pub sink: Arc<dyn LogSink>,
}

/// Takes the lines of the log.
pub trait LogSink: fmt::Debug + Send + Sync {
    /// Writes one whole line, which ends in a line break.
    fn line(&self, line: &[u8]) -> io::Result<()>;
}

/// Standard error, as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stderr;

impl LogSink for Stderr {
    fn line(&self, line: &[u8]) -> io::Result<()> {
        io::stderr().lock().write_all(line)
    }
}

/// Standard error below progress bars, which step aside while a line is written.
impl LogSink for MultiProgress {
    fn line(&self, line: &[u8]) -> io::Result<()> {
        self.suspend(|| Stderr.line(line))
    }
}

/// The log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("the log filter {filter:?} cannot be read: {reason}")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// This process has a log already.
    #[error("the log was started before")]
    Started,
}

impl Hinted for LogError {
    fn hint(&self) -> Option<&str> {
        match self {
            Self::Filter { .. } => Some("write for example CONTRAIL_LOG=contrail=debug,warn, or unset it"),
            Self::Started => None,
        }
    }
}

/// Starts the log of this process. Once.
pub fn init(options: &LogOptions) -> Result<(), LogError> {
    subscriber(options)?.try_init().map_err(|_| LogError::Started)
}

/// What `options` ask for, not started: tests log into one of their own.
pub fn subscriber(options: &LogOptions) -> Result<Box<dyn Subscriber + Send + Sync>, LogError> {
    let filter = match &options.filter {
        Some(filter) => filter.as_str(),
        None => directives(options.verbosity),
    };
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|error| LogError::Filter { filter: filter.to_owned(), reason: error.to_string() })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(UtcTime(Arc::clone(&options.clock)))
        .with_writer(Lines(Arc::clone(&options.sink)))
        .with_target(options.verbosity > 0)
        // The complaint about a closed stderr would go to stderr, by a macro that panics.
        .log_internal_errors(false);
    Ok(match options.format {
        LogFormat::Text => Box::new(builder.with_ansi(options.color).finish().with(filter_fn(may_be_told))),
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_current_span(false);
            Box::new(builder.finish().with(filter_fn(may_be_told)))
        }
    })
}

/// At their lowest level the SDKs and the HTTP stack log whole answers, and an answer may hold a token or repeat what
/// we signed. No filter asks for that by intent, so that none gets it.
fn may_be_told(metadata: &Metadata<'_>) -> bool {
    *metadata.level() < Level::TRACE || metadata.target().starts_with("contrail")
}

/// The SDKs and the HTTP stack talk a lot: by default they are heard only when they warn.
fn directives(verbosity: i8) -> &'static str {
    match verbosity {
        ..=-2 => "error",
        -1 => "warn,aws_config=error",
        0 => "warn,aws_config=error,contrail=info",
        1 => "warn,contrail=debug",
        2 => "info,contrail=trace",
        3.. => "debug,contrail=trace",
    }
}

/// Times to the millisecond, in UTC, by an injected clock.
#[derive(Debug)]
struct UtcTime(Arc<dyn Clock>);

impl FormatTime for UtcTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", self.0.now().format("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

/// Hands each formatted event to the sink, whole: the formatter writes one in one piece.
#[derive(Debug, Clone)]
struct Lines(Arc<dyn LogSink>);

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.line(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use futures::future::BoxFuture;

    use super::*;
    use crate::base::Time;

    #[derive(Debug)]
    struct Stopped(Time);

    impl Clock for Stopped {
        fn now(&self) -> Time {
            self.0
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<String>>);

    impl LogSink for Kept {
        fn line(&self, line: &[u8]) -> io::Result<()> {
            self.0.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap());
            Ok(())
        }
    }

    /// The lines that are logged while `events` happen.
    fn logged(change: impl FnOnce(&mut LogOptions), events: impl FnOnce()) -> Vec<String> {
        let kept = Arc::new(Kept::default());
        let mut options = LogOptions {
            format: LogFormat::Text,
            verbosity: 0,
            filter: None,
            color: false,
            clock: Arc::new(Stopped("2026-11-21T20:00:00.5Z".parse().unwrap())),
            sink: Arc::clone(&kept) as Arc<dyn LogSink>,
        };
        change(&mut options);
        tracing::subscriber::with_default(subscriber(&options).unwrap(), events);
        std::mem::take(&mut *kept.0.lock().unwrap())
    }

    #[test]
    fn text_lines_carry_utc_time_level_message_and_fields() {
        let lines = logged(|_| (), || tracing::info!(rows = 7, "stored a slice"));
        assert_eq!(lines, ["2026-11-21T20:00:00.500Z  INFO stored a slice rows=7\n"]);
    }

    #[test]
    fn json_lines_are_flat_objects() {
        let lines = logged(|options| options.format = LogFormat::Json, || tracing::warn!(rows = 7, "odd"));
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["timestamp"], "2026-11-21T20:00:00.500Z");
        assert_eq!(
            (&line["level"], &line["message"], &line["rows"]),
            (&"WARN".into(), &"odd".into(), &7.into())
        );
    }

    #[test]
    fn sdks_are_heard_only_when_they_warn() {
        let chatter = || {
            tracing::info!(target: "aws_smithy_runtime", "chatter");
            tracing::warn!(target: "hyper_util", "trouble");
            tracing::debug!("detail");
        };
        assert_eq!(logged(|_| (), chatter).len(), 1);
        assert_eq!(logged(|options| options.verbosity = 1, chatter).len(), 2);
        assert_eq!(logged(|options| options.verbosity = -2, chatter).len(), 0);
        assert_eq!(logged(|options| options.filter = Some("trace".to_owned()), chatter).len(), 3);
    }

    #[test]
    fn what_sdks_say_at_their_lowest_level_is_never_told() {
        for filter in
            ["trace", "aws_smithy_runtime=trace", "contrail=trace,hyper=trace,aws_smithy_runtime=trace"]
        {
            let lines = logged(
                |options| options.filter = Some(filter.to_owned()),
                || {
                    tracing::trace!(target: "aws_smithy_runtime", "body: token");
                    tracing::trace!(target: "hyper::proto", "header: token");
                    tracing::debug!(target: "aws_smithy_runtime", "tried");
                    tracing::trace!(target: "contrail::net", "detail");
                },
            );
            assert!(
                !lines.concat().contains("token") && lines.concat().contains("tried"),
                "{filter}: {lines:?}"
            );
        }
    }

    #[test]
    fn control_characters_from_upstreams_do_not_reach_the_terminal() {
        let lines = logged(|_| (), || tracing::info!("page \u{1b}[2J said {}", "\u{1b}]0;x\u{7}"));
        assert!(!lines[0].contains('\u{1b}'), "{lines:?}");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_an_error_with_a_hint() {
        let options = LogOptions {
            format: LogFormat::Text,
            verbosity: 0,
            filter: Some("contrail=loud".to_owned()),
            color: false,
            clock: Arc::new(Stopped(Time::UNIX_EPOCH)),
            sink: Arc::new(Stderr),
        };
        let Err(error) = subscriber(&options) else { panic!("a level called loud was accepted") };
        assert!(error.to_string().contains("contrail=loud"), "{error}");
        assert!(error.hint().is_some());
    }
}
