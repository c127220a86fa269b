//! Who is whose child, and what each runs: learnt from the events themselves, in order.

mod commands;
mod node;

use std::collections::VecDeque;

use foldhash::HashMap;
use std::rc::Rc;

use event::ProcId;
use event::model::{Actor, Event, Exec, What};

use crate::program::Program;

use commands::Commands;
use node::Held;
pub(crate) use node::{Node, joined};

/// Ancestors that are remembered of a process; a chain that is longer is cut at the far end.
const DEPTH: usize = 128;

/// Bytes of a command line that are remembered, for descendants and for findings.
const COMMAND: usize = 4096;

/// Ended processes that are still known: their files are told later than their end.
const ENDED: usize = 8192;

/// Programs of one process that are remembered beside the one that it runs: what they did to files may be told
/// after the exec (docs/decisions/0019), of no more than this many.
const EARLIER: usize = 15;

/// All processes that may still be talked of.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    nodes: HashMap<ProcId, Rc<Node>>,
    /// What a process ran before, oldest first.
    earlier: HashMap<ProcId, VecDeque<Rc<Node>>>,
    by_pid: HashMap<u32, ProcId>,
    ended: VecDeque<ProcId>,
    /// Who reads from a pipe as its standard input.
    readers: HashMap<u64, Rc<Node>>,
    commands: Commands,
    serial: u64,
}

impl Lineage {
    /// Learns from an event; `program` judges the whole command line while it is there.
    pub(crate) fn learn(&mut self, event: &Event, program: &Program) {
        let Some(actor) = &event.actor else { return };
        match &event.what {
            What::Fork(fork) => {
                let caller = self.who(actor);
                let child = Node {
                    exe: caller.exe.clone(),
                    argv: caller.argv.clone(),
                    cwd: caller.cwd.clone(),
                    stdin: caller.stdin,
                    stdout: caller.stdout,
                    own: caller.own.clone(),
                    ..self.node(fork.child, Some(caller))
                };
                self.put(Rc::new(child));
            }
            What::Exec(exec) => {
                let before = self.known(actor.id);
                let parent = before
                    .as_ref()
                    .and_then(|before| before.parent.clone())
                    .or_else(|| self.by_pid(actor.ppid?));
                let node = Node {
                    exe: actor.exe.clone(),
                    argv: exec.argv.clone(),
                    cwd: exec.cwd.clone(),
                    stdin: pipe(exec.stdin.as_deref()),
                    stdout: pipe(exec.stdout.as_deref()),
                    own: self.commands.held(actor, exec),
                    ..self.node(actor.id, parent)
                };
                node.holds(program);
                let mut node = node;
                cut(&mut node.argv, exec);
                let node = Rc::new(node);
                if let Some(pipe) = node.stdin {
                    if self.readers.len() > ENDED {
                        self.readers.clear();
                    }
                    self.readers.insert(pipe, node.clone());
                }
                self.put(node);
                if let Some(before) = before {
                    self.keep(before);
                }
            }
            What::Exit(_) => {
                self.ended.push_back(actor.id);
                if self.ended.len() > ENDED
                    && let Some(gone) = self.ended.pop_front()
                {
                    self.nodes.remove(&gone);
                    self.earlier.remove(&gone);
                    if self.by_pid.get(&gone.pid) == Some(&gone) {
                        self.by_pid.remove(&gone.pid);
                    }
                }
            }
            _ => {}
        }
    }

    /// The process that did something, as it was then.
    pub(crate) fn who(&mut self, actor: &Actor) -> Rc<Node> {
        let known = self.known(actor.id);
        if let Some(node) = &known {
            let runs = |node: &&Rc<Node>| actor.exe.is_none() || node.exe == actor.exe;
            let earlier = self.earlier.get(&node.id).into_iter().flatten().rev();
            if let Some(node) = std::iter::once(node).chain(earlier).find(runs) {
                return node.clone();
            }
        }
        // Nothing else is known of it, or it runs something of which no exec was told.
        let parent = known.and_then(|node| node.parent.clone());
        let parent = parent.or_else(|| self.by_pid(actor.ppid?));
        let node = Node { exe: actor.exe.clone(), ..self.node(actor.id, parent) };
        let node = Rc::new(node);
        self.put(node.clone());
        node
    }

    /// Who reads what a process writes to its standard output.
    pub(crate) fn fed_by(&self, node: &Node) -> Option<&Rc<Node>> {
        self.readers.get(&node.stdout?).filter(|reader| reader.id != node.id)
    }

    fn known(&self, id: ProcId) -> Option<Rc<Node>> {
        let id = if id.start_ns == 0 { self.by_pid.get(&id.pid)? } else { &id };
        self.nodes.get(id).cloned()
    }

    fn by_pid(&self, pid: u32) -> Option<Rc<Node>> {
        self.nodes.get(self.by_pid.get(&pid)?).cloned()
    }

    fn node(&mut self, id: ProcId, parent: Option<Rc<Node>>) -> Node {
        self.serial += 1;
        let parent = parent.map(|parent| match parent.depth < DEPTH {
            true => parent,
            // Without its own ancestors: what is held stays bounded, and so does dropping it.
            false => Rc::new(Node {
                id: parent.id,
                serial: parent.serial,
                exe: parent.exe.clone(),
                argv: parent.argv.clone(),
                cwd: None,
                parent: None,
                stdin: None,
                stdout: None,
                depth: 0,
                holds: Held::new(),
                own: parent.own.clone(),
                of_children: Held::new(),
                of_descendants: Held::new(),
            }),
        });
        Node {
            id,
            serial: self.serial,
            exe: None,
            argv: Vec::new(),
            cwd: None,
            depth: parent.as_ref().map_or(0, |parent| parent.depth + 1),
            parent,
            stdin: None,
            stdout: None,
            holds: Held::new(),
            own: Rc::default(),
            of_children: Held::new(),
            of_descendants: Held::new(),
        }
    }

    fn keep(&mut self, before: Rc<Node>) {
        let earlier = self.earlier.entry(before.id).or_default();
        if earlier.len() >= EARLIER {
            earlier.pop_front();
        }
        earlier.push_back(before);
    }

    fn put(&mut self, node: Rc<Node>) {
        self.by_pid.insert(node.id.pid, node.id);
        self.nodes.insert(node.id, node);
    }
}

fn pipe(stdio: Option<&str>) -> Option<u64> {
    stdio?.strip_prefix("pipe:")?.parse().ok()
}

fn cut(argv: &mut Vec<u8>, exec: &Exec) {
    if exec.argv.len() > COMMAND {
        argv.truncate(COMMAND);
        argv.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec(exe: &str, stdout: &str) -> Event {
        let id = ProcId { pid: 100, start_ns: 1 };
        let exe = Some(exe.as_bytes().into());
        let actor = Actor { id, ppid: Some(50), uid: Some(0), exe };
        let exec = Exec { stdout: Some(stdout.into()), ..Exec::default() };
        let what = What::Exec(Box::new(exec));
        Event { seq: 1, ts_ns: 0, boot_ns: 1, actor: Some(actor), what }
    }

    #[test]
    fn what_an_earlier_program_did_is_its_own_and_changes_nothing_of_the_one_that_runs() {
        let mut lineage = Lineage::default();
        let programs =
            [exec("/bin/sh", "pipe:1"), exec("/bin/env", "pipe:2"), exec("/bin/curl", "pipe:3")];
        let program = Program::default();
        programs.iter().for_each(|event| lineage.learn(event, &program));
        let actors = programs.map(|event| event.actor.expect("each has one"));
        for _ in 0..2 {
            let stdout = actors.each_ref().map(|actor| lineage.who(actor).stdout);
            assert_eq!(stdout, [Some(1), Some(2), Some(3)]);
        }
        let unknown = Actor { exe: Some(b"/bin/other".as_slice().into()), ..actors[2].clone() };
        assert_eq!(lineage.who(&unknown).stdout, None, "of that no exec was told");
    }

    #[test]
    fn what_is_remembered_of_one_process_is_bounded() {
        let (mut lineage, program) = (Lineage::default(), Program::default());
        for round in 0..100 {
            lineage.learn(&exec(&format!("/bin/{round}"), "pipe:1"), &program);
        }
        assert_eq!(lineage.earlier[&ProcId { pid: 100, start_ns: 1 }].len(), EARLIER);
    }
}
