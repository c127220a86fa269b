//! moto's S3 on a port of this machine.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use xtests::{Lab, wait};

use crate::must;

/// The server; gone with the test.
#[derive(Debug)]
pub(crate) struct Bucket {
    child: Child,
    pub(crate) address: String,
}

impl Bucket {
    pub(crate) fn start(python: &Path) -> Bucket {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let program = python.with_file_name("moto_server");
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("it starts");
        let bucket = Bucket { child, address: format!("http://127.0.0.1:{port}") };
        wait::until_true("moto listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let make =
            "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], method='PUT'))";
        let place = format!("{}/evidence", bucket.address);
        must(Command::new(python).args(["-c", make, &place]));
        bucket
    }

    pub(crate) fn ship(&self, lab: &Lab, state: &str, arguments: &[&str]) -> String {
        let _ = lab.program("audit-ship");
        let mut command = lab.audit();
        command.args([
            "ship",
            "--endpoint",
            &self.address,
            "--to",
            "s3://evidence/prod",
            "--state",
        ]);
        command.arg(lab.root().join(state)).args(arguments);
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
        must(command.env_remove("AWS_SESSION_TOKEN"))
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
