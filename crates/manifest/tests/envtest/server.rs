//! A kube-apiserver of one's own, on free ports of this machine, with nothing in it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A running server. Dropping it ends its processes and removes its files.
pub(crate) struct Server {
    kubectl: PathBuf,
    directory: PathBuf,
    address: String,
    etcd: Child,
    apiserver: Option<Child>,
    rounds: AtomicUsize,
}

impl Server {
    /// Starts etcd and kube-apiserver from the directory that `KUBEBUILDER_ASSETS` names.
    ///
    /// # Panics
    /// When the variable is missing, or a server does not start.
    pub(crate) fn start() -> Server {
        Server::start_with(&[])
    }

    /// Starts the servers with more flags for kube-apiserver.
    pub(crate) fn start_with(flags: &[&str]) -> Server {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS")
            .map(PathBuf::from)
            .expect("KUBEBUILDER_ASSETS must name a directory with etcd, kube-apiserver and kubectl");
        let nth = STARTED.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("kobuk-envtest-{}-{nth}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let [client, peer, secure] = free_ports();
        let etcd_address = format!("http://127.0.0.1:{client}");
        let etcd = Command::new(assets.join("etcd"))
            .arg("--data-dir")
            .arg(directory.join("etcd"))
            .args(["--listen-client-urls", &etcd_address, "--advertise-client-urls", &etcd_address])
            .args(["--listen-peer-urls", &format!("http://127.0.0.1:{peer}"), "--unsafe-no-fsync"])
            .stdout(Stdio::null())
            .stderr(log(&directory, "etcd.log"))
            .spawn()
            .expect("etcd starts");
        let mut server = Server {
            kubectl: assets.join("kubectl"),
            directory,
            address: format!("https://127.0.0.1:{secure}"),
            etcd,
            apiserver: None,
            rounds: AtomicUsize::new(0),
        };
        fs::write(server.directory.join("audit.yaml"), AUDIT_POLICY).unwrap();
        server.start_apiserver(&assets, &etcd_address, secure, flags);
        server.wait();
        server
    }

    fn start_apiserver(&mut self, assets: &Path, etcd: &str, port: u16, flags: &[&str]) {
        let file = |name: &str| self.directory.join(name);
        fs::write(file("tokens.csv"), format!("{TOKEN},admin,admin,\"system:masters\"\n")).unwrap();
        let key = Command::new("openssl").args(["genrsa", "-out"]).arg(file("service-account.pem")).output();
        assert!(key.is_ok_and(|output| output.status.success()), "openssl makes a key for service accounts");
        let child = Command::new(assets.join("kube-apiserver"))
            .args(["--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--secure-port", &port.to_string()])
            .arg("--cert-dir")
            .arg(file("certificates"))
            .arg("--token-auth-file")
            .arg(file("tokens.csv"))
            .arg("--service-account-signing-key-file")
            .arg(file("service-account.pem"))
            .arg("--service-account-key-file")
            .arg(file("service-account.pem"))
            .args(["--service-account-issuer", "https://kubernetes.default.svc"])
            .args(["--service-cluster-ip-range", "10.0.0.0/24", "--endpoint-reconciler-type", "none"])
            .args(["--authorization-mode", "RBAC", "--allow-privileged=true"])
            .args(["--disable-admission-plugins", "ServiceAccount,DefaultTolerationSeconds"])
            .arg("--audit-policy-file")
            .arg(file("audit.yaml"))
            .arg("--audit-log-path")
            .arg(file("audit.log"))
            .args(flags)
            .stdout(Stdio::null())
            .stderr(log(&self.directory, "apiserver.log"))
            .spawn()
            .expect("kube-apiserver starts");
        self.apiserver = Some(child);
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + READY_WITHIN;
        while self.kubectl(&["get", "--raw", "/api/v1/namespaces/default"]).is_err() {
            let ended = self.apiserver.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "kube-apiserver ended: see {}", self.directory.display());
            assert!(Instant::now() < deadline, "kube-apiserver is not ready: see {}", self.directory.display());
            sleep(Duration::from_millis(300));
        }
    }

    /// Runs kubectl as administrator; its output, or its complaint.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.kubectl)
            .args(["--server", &self.address, "--token", TOKEN, "--insecure-skip-tls-verify"])
            .args(["--kubeconfig", "/dev/null", "--cache-dir"])
            .arg(self.directory.join("cache"))
            .args(arguments)
            .output()
            .expect("kubectl runs");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The folder of its files; the audit log is `audit.log`.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// `https://127.0.0.1:…`
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The administrator's token.
    pub(crate) fn token() -> &'static str {
        TOKEN
    }

    /// Another number on every call.
    pub(crate) fn round(&self) -> usize {
        self.rounds.fetch_add(1, Ordering::Relaxed)
    }

    /// Posts bytes as they are; the status and the answer. `kubectl` would read them first.
    pub(crate) fn post(&self, path: &str, content_type: &str, body: &[u8]) -> (u16, String) {
        let file = self.directory.join("body");
        fs::write(&file, body).unwrap();
        let output = Command::new("curl")
            .args(["--silent", "--insecure", "--max-time", "20", "--write-out", "\n%{http_code}"])
            .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
            .args(["--header", &format!("Content-Type: {content_type}"), "--data-binary"])
            .arg(format!("@{}", file.display()))
            .arg(format!("{}{path}", self.address))
            .output()
            .expect("curl runs");
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let (answer, status) = answer.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), answer.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in self.apiserver.iter_mut().chain([&mut self.etcd]) {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// Servers of this process, each in a folder of its own.
static STARTED: AtomicUsize = AtomicUsize::new(0);

const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:apiserver]
- level: Metadata
";

const READY_WITHIN: Duration = Duration::from_secs(120);

/// Works only against the server above, which listens on this machine only while a test runs.
const TOKEN: &str = "kobuk-test";

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn log(directory: &Path, name: &str) -> Stdio {
    fs::File::create(directory.join(name)).unwrap().into()
}
