//! The built binary as a child process: in a directory of its own, with no environment but what a test gives it,
//! and never for longer than a limit.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often a child is looked at, and for how long: a busy machine runs a dozen of them at once.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 6_000;

/// A home directory, which is the working directory too. Gone when dropped, unless it is a shared one.
#[derive(Debug)]
pub(crate) struct Home {
    directory: PathBuf,
    variables: Vec<(String, String)>,
    _temporary: Option<tempfile::TempDir>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().to_owned();
        Self { directory, variables: raw_only(), _temporary: Some(temporary) }
    }

    /// A home for several tests. What the tests of a run before left in it is removed.
    pub(crate) fn shared(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        Self { directory, variables: raw_only(), _temporary: None }
    }

    /// The home with one more variable in the environment of its commands.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// The home with a configuration file that its commands find.
    pub(crate) fn configured(self, file: &str) -> Self {
        std::fs::write(self.path("contrail.toml"), file).unwrap();
        self
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.directory.join(below)
    }

    /// Where commands put their lake unless they are told otherwise.
    pub(crate) fn lake(&self) -> PathBuf {
        self.path("contrail-lake")
    }

    /// Runs `contrail` to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }

    /// Starts `contrail`.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_contrail"));
        command.args(arguments);
        self.spawn(command)
    }

    /// Starts `contrail` by a shell `script`, which finds it and its arguments as `"$@"`.
    pub(crate) fn start_in(&self, wrapper: &[&str], script: &str, arguments: &[&str]) -> Running {
        let shell = ["sh", "-c", script, "sh", env!("CARGO_BIN_EXE_contrail")];
        let words = [wrapper, &shell, arguments].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        self.spawn(command)
    }

    fn spawn(&self, mut command: Command) -> Running {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut child = command
            .current_dir(&self.directory)
            .env_clear()
            .env("PATH", path)
            .env("HOME", &self.directory)
            .env("TERM", "dumb")
            // Nobody is to look for the credentials of the machine that runs the tests.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables.iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = Told::listen(child.stdout.take().unwrap());
        let stderr = Told::listen(child.stderr.take().unwrap());
        Running { child, stdout, stderr }
    }
}

/// Most tests are about what is crawled, and read all that a run says: tables do not build themselves there, unless a
/// test wants it.
fn raw_only() -> Vec<(String, String)> {
    vec![("CONTRAIL_TABLES__BUILD".to_owned(), "never".to_owned())]
}

/// The lines of a pipe, as they come.
struct Told {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Told {
    fn listen(pipe: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(pipe).lines() {
                heard.lock().unwrap().push(line.unwrap());
            }
        });
        Self { lines, reader: Some(reader) }
    }

    fn so_far(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn all(&mut self) -> String {
        self.reader.take().unwrap().join().unwrap();
        let mut text = self.so_far().join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

/// A child that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Told,
    stderr: Told,
}

/// How a child ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Running {
    /// Waits for a line on stderr that `wanted` answers for, and answers with that.
    pub(crate) fn hears<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> T {
        await_line(&mut self.child, &self.stderr, &wanted)
    }

    /// As [`hears`](Self::hears), on stdout.
    pub(crate) fn reads<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> T {
        await_line(&mut self.child, &self.stdout, &wanted)
    }

    /// What stdout has said so far.
    pub(crate) fn printed(&self) -> String {
        self.stdout.so_far().join("\n") + "\n"
    }

    /// Sends a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success(), "kill -s {name} {pid}");
    }

    /// Kills it in the middle of whatever it does; answers whether it was still at it.
    pub(crate) fn kill(mut self) -> bool {
        let ended = self.child.try_wait().unwrap();
        // Dropped, it is killed.
        ended.is_none()
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.wait();
        let (stdout, stderr) = (self.stdout.all(), self.stderr.all());
        Ended { code: status.code(), stdout, stderr }
    }

    fn wait(&mut self) -> ExitStatus {
        for _ in 0..LOOKS {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(LOOK);
        }
        panic!("contrail does not end:\n{}", self.stderr.so_far().join("\n"));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn await_line<T>(child: &mut Child, told: &Told, wanted: &impl Fn(&str) -> Option<T>) -> T {
    for _ in 0..LOOKS {
        let ended = child.try_wait().unwrap();
        if let Some(found) = told.so_far().iter().find_map(|line| wanted(line)) {
            return found;
        }
        assert!(ended.is_none(), "contrail ended ({ended:?}) and said only:\n{}", told.so_far().join("\n"));
        thread::sleep(LOOK);
    }
    panic!("contrail never said what was waited for:\n{}", told.so_far().join("\n"));
}

impl Ended {
    /// The exit code is `code`; answers with itself.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// It ended in 2 with one error and one hint on stderr and nothing on stdout; answers with both.
    #[track_caller]
    pub(crate) fn usage_error(self) -> (String, String) {
        let ended = self.with(2);
        assert_eq!(ended.stdout, "");
        let lines: Vec<&str> = ended.stderr.lines().collect();
        let [.., error, hint] = lines.as_slice() else { panic!("{lines:?}") };
        let error = error.strip_prefix("error: ").unwrap_or_else(|| panic!("{lines:?}"));
        let hint = hint.strip_prefix("hint: ").unwrap_or_else(|| panic!("{lines:?}"));
        assert!(!error.is_empty() && !hint.is_empty(), "{lines:?}");
        (error.to_owned(), hint.to_owned())
    }
}
