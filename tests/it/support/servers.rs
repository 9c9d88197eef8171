//! S3 servers that we did not write, on free loopback ports, one of each for the whole test binary.
//!
//! moto, ministack and s3rver are child processes, installed by `tests/servers.sh`; s3s-fs runs in this process.
//! A child is watched by a shell that reads our end of a pipe: however this process ends, the system closes the
//! pipe, and the shell ends the server.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use contrail::base::SystemClock;
use contrail::lake::store::{S3Options, S3Store};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;

use super::skip::skipped;

const WATCH: &str = r#"
"$@" </dev/null &
server=$!
trap 'kill "$server" 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM
cat >/dev/null
"#;

/// Starting Python takes its time on a busy machine.
const START_ATTEMPTS: u32 = 600;
const START_WAIT: Duration = Duration::from_millis(100);

/// A running S3 server.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    access_key: &'static str,
    secret_key: &'static str,
    _process: Option<Child>,
    _data: TempDir,
}

/// moto, the mock of AWS that most Python projects test against, one write at a time. `None`, and SKIPPED, where it is not installed.
pub(crate) fn moto() -> Option<&'static Server> {
    static MOTO: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        let python = installed("venv/bin/moto_server")?.with_file_name("python");
        Some(Server::spawn("moto", |port, _| {
            let mut command = watched(&python);
            command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto_in_turn.py")).arg(port.to_string());
            command
        }))
    };
    available(MOTO.get_or_init(start).as_ref(), "moto")
}

/// ministack: an emulator of AWS that checks checksums. `None`, and SKIPPED, where it is not installed.
pub(crate) fn ministack() -> Option<&'static Server> {
    static MINISTACK: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        let program = installed("venv/bin/ministack")?;
        Some(Server::spawn("ministack", |port, data| {
            let mut command = watched(&program);
            command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
            command.env("SERVICES", "s3").env("TMPDIR", data);
            command
        }))
    };
    available(MINISTACK.get_or_init(start).as_ref(), "ministack")
}

/// s3rver, which ignores `If-None-Match`. `None`, and SKIPPED, where it is not installed.
pub(crate) fn s3rver() -> Option<&'static Server> {
    static S3RVER: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        let program = installed("node/node_modules/s3rver/bin/s3rver.js")?;
        Some(Server::spawn("s3rver", |port, data| {
            let mut command = watched(Path::new("node"));
            command.arg(&program).args(["-a", "127.0.0.1", "-p", &port.to_string(), "-d"]).arg(data);
            command
        }))
    };
    available(S3RVER.get_or_init(start).as_ref(), "s3rver")
}

/// s3s-fs in this process: it checks every signature. It lives as long as the runtime of the test.
pub(crate) async fn s3s() -> Server {
    s3s_at("127.0.0.1:0".parse().unwrap()).await
}

/// s3s-fs at an address that was known before.
pub(crate) async fn s3s_at(address: SocketAddr) -> Server {
    let data = TempDir::new().unwrap();
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(data.path()).unwrap());
    service.set_auth(SimpleAuth::from_single("test", "testtest"));
    let service = InTurn { service: service.build(), turn: Arc::default() };
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let server = Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(connection), service).await;
            });
        }
    });
    Server { url, access_key: "test", secret_key: "testtest", _process: None, _data: data }
}

/// s3s-fs looks, writes and notes the metadata in three steps. A bucket does all of it or nothing: so requests come in
/// turn, and what came in whole is carried out whole, even if nobody waits for the answer any more.
#[derive(Clone)]
struct InTurn {
    service: s3s::service::S3Service,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl hyper::service::Service<hyper::Request<hyper::body::Incoming>> for InTurn {
    type Response = s3s::HttpResponse;
    type Error = s3s::HttpError;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: hyper::Request<hyper::body::Incoming>) -> Self::Future {
        let (turn, service) = (Arc::clone(&self.turn), self.service.clone());
        let carried_out = tokio::spawn(async move {
            let _turn = turn.lock().await;
            service.call(request.map(s3s::Body::from)).await
        });
        Box::pin(async move { carried_out.await.unwrap() })
    }
}

impl Server {
    fn spawn(name: &str, command: impl FnOnce(u16, &Path) -> Command) -> Self {
        let data = TempDir::new().unwrap();
        // Free now, and most likely still free in a moment.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
        let log = data.path().with_extension("log");
        let mut command = command(address.port(), data.path());
        command.stdin(Stdio::piped()).stdout(File::create(&log).unwrap());
        command.stderr(File::options().append(true).open(&log).unwrap());
        let process = command.spawn().unwrap();
        await_start(name, address, &log);
        let (access_key, secret_key) =
            if name == "s3rver" { ("S3RVER", "S3RVER") } else { ("test", "testtest") };
        let url = format!("http://{address}");
        Self { url, access_key, secret_key, _process: Some(process), _data: data }
    }

    /// Where the server listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Credentials that the server accepts.
    pub(crate) fn config(&self) -> SdkConfig {
        let credentials = Credentials::new(self.access_key, self.secret_key, None, None, "tests");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// A plain client, to see what the store did with the eyes of somebody else.
    pub(crate) fn client(&self) -> Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config());
        Client::from_conf(config.endpoint_url(&self.url).force_path_style(true).build())
    }

    /// The options of a lake in a new bucket of this server.
    pub(crate) async fn options(&self, bucket: &str, prefix: &str) -> S3Options {
        self.client().create_bucket().bucket(bucket).send().await.unwrap();
        let mut options = S3Options::new(bucket, prefix);
        options.endpoint_url = Some(self.url.clone());
        options.force_path_style = true;
        options
    }

    /// A store of its own on the lake that `options` name, as another process would have.
    pub(crate) fn store(&self, options: S3Options) -> S3Store {
        S3Store::new(&self.config(), options, Arc::new(SystemClock))
    }
}

fn watched(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", WATCH, "watch"]).arg(program);
    command
}

fn await_start(name: &str, address: SocketAddr, log: &Path) {
    for _ in 0..START_ATTEMPTS {
        if TcpStream::connect(address).is_ok() {
            return;
        }
        std::thread::sleep(START_WAIT);
    }
    let log = std::fs::read_to_string(log).unwrap_or_default();
    panic!("{name} did not start to listen on {address}:\n{log}");
}

/// Where `tests/servers.sh` put its things.
pub(crate) fn installed(path: &str) -> Option<PathBuf> {
    let servers = std::env::var_os("CONTRAIL_TEST_SERVERS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-servers"), PathBuf::from);
    Some(servers.join(path)).filter(|path| path.exists())
}

fn available(server: Option<&'static Server>, name: &str) -> Option<&'static Server> {
    if server.is_none() {
        skipped(&format!("{name} is not installed; tests/servers.sh installs it"));
    }
    server
}
