//! A server with a certificate of its own, in front of the plain one.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use xtests::not_run;

/// TLS in front of a plain server; gone with the test.
pub(crate) struct Front {
    child: Child,
    pub(crate) port: u16,
}

impl Front {
    /// Starts it with this certificate and its key.
    pub(crate) fn start(certificate: &Path, key: &Path, behind: u16) -> Front {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/tls.py");
        let mut command = Command::new("python3");
        command.arg(script).args([certificate, key]).arg(behind.to_string());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("it says its port");
        Front { child, port: line.trim().parse().expect("a port") }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A certificate, its key, and the CA that signed it.
pub(crate) struct Issued {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) ca: PathBuf,
}

/// Makes a CA called `name` and has it sign a certificate for `localhost` alone.
pub(crate) fn issue(dir: &Path, name: &str) -> Option<Issued> {
    if Command::new("openssl").arg("version").output().is_err() {
        not_run("shipping over TLS", "openssl is not there");
        return None;
    }
    let file = |end: &str| dir.join(format!("{name}.{end}"));
    let made = |words: &str| {
        let output = Command::new("openssl").current_dir(dir).args(words.split(' ')).output();
        let output = output.expect("it starts");
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    made(&format!(
        "req -x509 {new} -days 2 -subj /CN={name} -keyout {name}.ca.key -out {name}.ca \
         -addext basicConstraints=critical,CA:TRUE"
    ));
    made(&format!("req {new} -subj /CN=server -keyout {name}.key -out {name}.csr"));
    let extensions = "subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n";
    std::fs::write(file("ext"), extensions).expect("room");
    made(&format!(
        "x509 -req -days 2 -in {name}.csr -CA {name}.ca -CAkey {name}.ca.key -CAcreateserial \
         -extfile {name}.ext -out {name}.pem"
    ));
    Some(Issued { certificate: file("pem"), key: file("key"), ca: file("ca") })
}
