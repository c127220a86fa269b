//! Programs on their way through the verifier, several at a time: that is most of what loading takes, and the
//! kernel looks at each by itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, Scope};

use aya::Ebpf;
use aya::programs::{self, ProgramError};

use crate::attach::as_mut;
use crate::programs::{Hook, Program, Topic};
use crate::types::Hooks;

/// Threads at most: the longest program takes half of the time of all.
const THREADS: usize = 4;

/// What the verifier said of one program.
pub(crate) struct Verified {
    pub(crate) program: &'static Program,
    pub(crate) result: Result<(), ProgramError>,
}

/// Programs that wait for it, and what came of the others.
pub(crate) struct Verifier<'a> {
    queue: Mutex<Queue<'a>>,
    news: Condvar,
    hooks: &'a Hooks,
}

#[derive(Default)]
struct Queue<'a> {
    waiting: VecDeque<(&'static Program, &'a mut programs::Program)>,
    verified: Vec<Verified>,
    whole: bool,
}

impl<'a> Verifier<'a> {
    pub(crate) fn new(hooks: &'a Hooks) -> Verifier<'a> {
        Verifier { queue: Mutex::default(), news: Condvar::new(), hooks }
    }

    /// Begins, beside the caller. Where no thread can be had, all is left to [`Verifier::finish`].
    pub(crate) fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>)
    where
        'a: 'scope,
    {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        for _ in 1..threads {
            let _ = Builder::new().name("verify".into()).spawn_scoped(scope, || {
                // While the first object is read. What is wrong with them each program says.
                let _ = self.hooks.get();
                self.work();
            });
        }
    }

    /// Adds the programs of an object, in the order of the table.
    pub(crate) fn add(&self, topic: Topic, ebpf: &'a mut Ebpf) {
        let mut found: HashMap<String, _> =
            ebpf.programs_mut().map(|(name, program)| (name.to_owned(), program)).collect();
        let wanted = topic.programs().filter_map(|it| Some((it, found.remove(it.name)?)));
        self.queue().waiting.extend(wanted);
        self.news.notify_all();
    }

    /// Nothing more is added; helps until nothing waits.
    pub(crate) fn finish(&self) {
        self.queue().whole = true;
        self.news.notify_all();
        self.work();
    }

    /// What came of them, when all threads are done.
    pub(crate) fn verified(self) -> Vec<Verified> {
        self.queue.into_inner().unwrap_or_else(PoisonError::into_inner).verified
    }

    fn work(&self) {
        let mut queue = self.queue();
        loop {
            let Some((program, found)) = queue.waiting.pop_front() else {
                if queue.whole {
                    return;
                }
                queue = self.news.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(queue);
            let result = verify(program.hook, found, self.hooks);
            queue = self.queue();
            queue.verified.push(Verified { program, result });
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<'a>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Loads one program; it runs when it is attached.
fn verify(hook: Hook, found: &mut programs::Program, hooks: &Hooks) -> Result<(), ProgramError> {
    match hook {
        Hook::BtfTracepoint(name) => {
            as_mut::<programs::BtfTracePoint>(found)?.load(name, hooks.get()?)
        }
        Hook::CgroupSkb => as_mut::<programs::CgroupSkb>(found)?.load(),
        Hook::CgroupSock => as_mut::<programs::CgroupSock>(found)?.load(),
        Hook::CgroupSockAddr => as_mut::<programs::CgroupSockAddr>(found)?.load(),
        Hook::SockOps => as_mut::<programs::SockOps>(found)?.load(),
        Hook::TaskFiles => as_mut::<programs::Iter>(found)?.load("task_file", hooks.get()?),
    }
}
