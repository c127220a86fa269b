//! Commands that are over before the recorder goes on: all that it reads of them comes late.

use std::{fs, path::PathBuf, time::Duration};

use rustix::process::{Signal, kill_process};

use crate::{Lab, Recorded, wait::within};

impl Lab {
    /// Records the shell script `work`, in the lab's directory for work, with a recorder that is stopped from
    /// before it begins until its process has ended.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn run_while_stopped(&self, work: &str, options: &[&str]) -> Recorded {
        let script = format!("echo $$ >pid; echo ready; read go; {work}");
        let mut running = self.run(["sh", "-c", &script]).with(options).start();
        running.expect("ready");
        let pid = fs::read_to_string(self.work().join("pid")).expect("it is written");
        let supervisor = running.supervisor();
        kill_process(supervisor, Signal::STOP).expect("it is there");
        running.go();
        let process = PathBuf::from(format!("/proc/{}", pid.trim()));
        within(Duration::from_secs(30), "the command's end", || (!process.exists()).then_some(()));
        kill_process(supervisor, Signal::CONT).expect("it is there");
        let run = running.record();
        assert!(run.status.success(), "{}: {}", run.status, run.errors());
        run
    }
}
