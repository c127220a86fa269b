//! A process, and the conditions that hold for it.

use std::cell::OnceCell;
use std::rc::Rc;

use event::ProcId;
use event::model::{Bytes, arguments};

use crate::field::Field;
use crate::program::{Program, TestId, Val};

/// A process while it runs one program.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: ProcId,
    /// Another one for each program.
    pub(crate) serial: u64,
    pub(crate) exe: Option<Bytes>,
    pub(crate) argv: Vec<u8>,
    pub(crate) cwd: Option<Vec<u8>>,
    pub(crate) parent: Option<Rc<Node>>,
    /// Pipes that are its standard input and output.
    pub(crate) stdin: Option<u64>,
    pub(crate) stdout: Option<u64>,
    pub(super) depth: usize,
    pub(super) holds: Held,
    /// Of them, those on what it runs: a child that runs what its parent does shares them.
    pub(super) own: Rc<Held>,
    /// Those that hold of its children, for what it runs.
    pub(super) of_children: Held,
    /// Those that hold of its descendants, for what it and its ancestors run.
    pub(super) of_descendants: Held,
}

/// Conditions that hold, once somebody has asked.
pub(super) type Held = OnceCell<Box<[TestId]>>;

/// Arguments joined by spaces.
pub(crate) fn joined(argv: &[u8]) -> Vec<u8> {
    let mut line: Vec<u8> = Vec::with_capacity(argv.len());
    for argument in arguments(argv) {
        if !line.is_empty() {
            line.push(b' ');
        }
        line.extend_from_slice(argument);
    }
    line
}

impl Node {
    /// Ancestors, the nearest first.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.parent.as_deref(), |node| node.parent.as_deref())
    }

    /// The conditions on the process that hold while it runs this program.
    pub(crate) fn holds(&self, program: &Program) -> &[TestId] {
        self.holds.get_or_init(|| {
            let own = self.own.get_or_init(|| held(program, |asked, take| self.own(asked, take)));
            let mut all = own.to_vec();
            if let Some(parent) = &self.parent {
                all.extend_from_slice(parent.of_children(program));
                all.extend_from_slice(parent.of_descendants(program));
            }
            boxed(all)
        })
    }

    fn of_children(&self, program: &Program) -> &[TestId] {
        let run = || held(program, |asked, take| self.as_parent(asked, take));
        self.of_children.get_or_init(run)
    }

    /// Asks its ancestors, who are [`DEPTH`] at most.
    fn of_descendants(&self, program: &Program) -> &[TestId] {
        self.of_descendants.get_or_init(|| {
            let mut all = held(program, |asked, take| self.as_ancestor(asked, take)).into_vec();
            if let Some(parent) = &self.parent {
                all.extend_from_slice(parent.of_descendants(program));
            }
            boxed(all)
        })
    }

    /// Tells the values of the fields of the process that are asked for.
    pub(crate) fn values(
        &self,
        asked: &dyn Fn(Field) -> bool,
        take: &mut dyn FnMut(Field, Val<'_>),
    ) {
        self.own(asked, take);
        if let Some(parent) = &self.parent {
            parent.as_parent(asked, take);
        }
        self.ancestors().for_each(|node| node.as_ancestor(asked, take));
    }

    fn as_ancestor(&self, asked: &dyn Fn(Field) -> bool, take: &mut dyn FnMut(Field, Val<'_>)) {
        bytes(Field::Ancestor, self.exe.as_deref(), asked, take);
    }

    fn as_parent(&self, asked: &dyn Fn(Field) -> bool, take: &mut dyn FnMut(Field, Val<'_>)) {
        bytes(Field::ParentExe, self.exe.as_deref(), asked, take);
        if asked(Field::ParentCommandLine) && !self.argv.is_empty() {
            take(Field::ParentCommandLine, Val::Bytes(&joined(&self.argv)));
        }
    }

    /// Values of what it runs itself.
    fn own(&self, asked: &dyn Fn(Field) -> bool, take: &mut dyn FnMut(Field, Val<'_>)) {
        let exe = self.exe.as_deref();
        bytes(Field::Exe, exe, asked, take);
        bytes(Field::Cwd, self.cwd.as_deref(), asked, take);
        if self.argv.is_empty() {
            return;
        }
        let words: Vec<&[u8]> = arguments(&self.argv).collect();
        if asked(Field::CommandLine) || asked(Field::NameAndArguments) {
            let line = joined(&self.argv);
            bytes(Field::CommandLine, Some(&line), asked, take);
            let named = [exe.unwrap_or_default(), b" ", &line].concat();
            bytes(Field::NameAndArguments, Some(&named), asked, take);
        }
        for (at, word) in words.iter().enumerate() {
            bytes(Field::Argv, Some(word), asked, take);
            if let Ok(at) = u8::try_from(at) {
                bytes(Field::Arg(at), Some(word), asked, take);
            }
        }
        if asked(Field::Command) {
            take(Field::Command, Val::Command(exe.unwrap_or_default(), &words));
        }
    }
}

fn bytes(
    field: Field,
    value: Option<&[u8]>,
    asked: &dyn Fn(Field) -> bool,
    take: &mut dyn FnMut(Field, Val<'_>),
) {
    if let Some(value) = value.filter(|_| asked(field)) {
        take(field, Val::Bytes(value));
    }
}

/// Conditions that hold for the values that are told.
fn held(
    program: &Program,
    tell: impl FnOnce(&dyn Fn(Field) -> bool, &mut dyn FnMut(Field, Val<'_>)),
) -> Box<[TestId]> {
    let mut found = Vec::new();
    tell(&|field| program.asks(field), &mut |field, value| {
        program.run(field, value, &mut |test| found.push(test));
    });
    boxed(found)
}

/// Each once, in order.
fn boxed(mut found: Vec<TestId>) -> Box<[TestId]> {
    found.sort_unstable();
    found.dedup();
    found.into_boxed_slice()
}
