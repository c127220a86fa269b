//! Several conditions, all of which must hold.

use event::model::table;
use memchr::memmem::Finder;

use crate::{Dest, Error, Pattern, Subject};

/// Conditions, all of which must hold; without any, everything does.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    types: Vec<String>,
    ops: Vec<String>,
    path: Option<Pattern>,
    exe: Option<Pattern>,
    dest: Option<Dest>,
    pid: Option<u32>,
    contains: Option<Finder<'static>>,
    since_ns: Option<i64>,
    until_ns: Option<i64>,
}

impl Filter {
    /// The event is of this type, or of another one given so.
    ///
    /// # Errors
    /// [`Error::Type`] when there is no such type.
    pub fn with_type(mut self, name: &str) -> Result<Filter, Error> {
        table::find(name).ok_or_else(|| Error::Type { name: name.to_owned() })?;
        self.types.push(name.to_owned());
        Ok(self)
    }

    /// The event's operation is this one, or another one given so.
    ///
    /// # Errors
    /// [`Error::Op`] when no type has such an operation.
    pub fn with_op(mut self, name: &str) -> Result<Filter, Error> {
        if !table::is_op(name) {
            return Err(Error::Op { name: name.to_owned() });
        }
        self.ops.push(name.to_owned());
        Ok(self)
    }

    /// One of the event's paths is so: see [`Pattern::path`].
    ///
    /// # Errors
    /// [`Error::Pattern`] for a broken glob.
    pub fn with_path(self, text: &str) -> Result<Filter, Error> {
        Ok(Filter { path: Some(Pattern::path(text)?), ..self })
    }

    /// The program is so: see [`Pattern::program`].
    ///
    /// # Errors
    /// [`Error::Pattern`] for a broken glob.
    pub fn with_exe(self, text: &str) -> Result<Filter, Error> {
        Ok(Filter { exe: Some(Pattern::program(text)?), ..self })
    }

    /// The peer is so: see [`Dest::parse`].
    ///
    /// # Errors
    /// [`Error::Dest`] for what is no destination.
    pub fn with_dest(self, text: &str) -> Result<Filter, Error> {
        Ok(Filter { dest: Some(Dest::parse(text)?), ..self })
    }

    /// This process did it.
    #[must_use]
    pub fn with_pid(self, pid: u32) -> Filter {
        Filter { pid: Some(pid), ..self }
    }

    /// This text is somewhere in the event.
    #[must_use]
    pub fn containing(self, text: &str) -> Filter {
        Filter { contains: Some(Finder::new(text).into_owned()), ..self }
    }

    /// It happened at this time or later, nanoseconds since 1970.
    #[must_use]
    pub fn since(self, ts_ns: i64) -> Filter {
        Filter { since_ns: Some(ts_ns), ..self }
    }

    /// It happened at this time or before, nanoseconds since 1970.
    #[must_use]
    pub fn until(self, ts_ns: i64) -> Filter {
        Filter { until_ns: Some(ts_ns), ..self }
    }

    /// What the path must be, if anything.
    #[must_use]
    pub fn path(&self) -> Option<&Pattern> {
        self.path.as_ref()
    }

    /// What the program must be, if anything.
    #[must_use]
    pub fn exe(&self) -> Option<&Pattern> {
        self.exe.as_ref()
    }

    /// What the peer must be, if anything.
    #[must_use]
    pub fn dest(&self) -> Option<&Dest> {
        self.dest.as_ref()
    }

    /// Returns whether all conditions hold; the cheap ones are asked first.
    #[must_use]
    pub fn holds(&self, subject: &Subject<'_>) -> bool {
        let listed = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
        };
        let so = |pattern: &Option<Pattern>, values: &[Option<&[u8]>]| {
            pattern.as_ref().is_none_or(|p| values.iter().flatten().any(|value| p.holds(value)))
        };
        listed(&self.types, Some(subject.kind))
            && listed(&self.ops, subject.op)
            && self.pid.is_none_or(|pid| subject.pid == Some(pid))
            && self.since_ns.is_none_or(|since| subject.ts_ns >= since)
            && self.until_ns.is_none_or(|until| subject.ts_ns <= until)
            && self.dest.as_ref().is_none_or(|d| d.holds(subject.ip, subject.port, subject.host))
            && (so(&self.path, &subject.paths)
                || subject
                    .also
                    .split(|byte| *byte == 0)
                    .any(|name| !name.is_empty() && so(&self.path, &[Some(name)])))
            && so(&self.exe, &[subject.exe])
            && self.contains.as_ref().is_none_or(|word| subject.text.holds(word))
    }
}

#[cfg(test)]
mod tests {
    use event::ProcId;
    use event::model::{Actor, Event, Exec, File, FileOp, Net, NetOp, What};

    use super::{Filter, Subject};
    use crate::{Error, Text};

    fn event(what: What) -> Event {
        let exe = Some(b"/usr/bin/git".as_slice().into());
        let id = ProcId { pid: 42, start_ns: 7 };
        let actor = Some(Actor { id, ppid: None, uid: None, exe });
        Event { seq: 1, ts_ns: 1000, boot_ns: 1, actor, what }
    }

    fn rename() -> Event {
        let (path, path2) = (Some(b"/a/\xff".to_vec()), Some(b"/b/c".to_vec()));
        event(What::File(File { path, path2, ..File::new(FileOp::Rename) }))
    }

    fn connect() -> Event {
        event(What::Net(Net {
            proto: 6,
            peer: Some(([10, 0, 0, 9], 443).into()),
            ..Net::new(NetOp::Connect, 1)
        }))
    }

    fn check(filter: Result<Filter, Error>, event: &Event, expected: bool) {
        let filter = filter.expect("it can be read");
        assert_eq!(filter.holds(&Subject::of(event)), expected, "{filter:?}");
    }

    #[test]
    fn each_condition_holds_or_not() {
        let none = Filter::default;
        check(Ok(none()), &rename(), true);
        check(none().with_type("file"), &rename(), true);
        check(none().with_type("net"), &rename(), false);
        check(none().with_type("net").and_then(|f| f.with_type("file")), &rename(), true);
        check(none().with_op("rename"), &rename(), true);
        check(none().with_op("read"), &rename(), false);
        check(none().with_path("/b/*"), &rename(), true);
        check(none().with_path("/a/?"), &rename(), true);
        check(none().with_path("/c"), &rename(), true);
        check(none().with_path("/d"), &rename(), false);
        check(none().with_path("*"), &connect(), false);
        check(none().with_exe("git"), &connect(), true);
        check(none().with_exe("gi"), &connect(), false);
        check(none().with_dest("10.0.0.0/8"), &connect(), true);
        check(none().with_dest(":80"), &connect(), false);
        check(none().with_dest("10.0.0.9:443"), &rename(), false);
        check(Ok(none().with_pid(42)), &connect(), true);
        check(Ok(none().with_pid(43)), &connect(), false);
        check(Ok(none().since(1000).until(1000)), &connect(), true);
        check(Ok(none().since(1001)), &connect(), false);
        check(Ok(none().until(999)), &connect(), false);
    }

    #[test]
    fn words_are_looked_for_in_values_of_any_bytes() {
        let exec = Exec { argv: b"curl\0-T\0\xff secret\0".to_vec(), ..Exec::default() };
        let exec = event(What::Exec(Box::new(exec)));
        check(Ok(Filter::default().containing("secret")), &exec, true);
        check(Ok(Filter::default().containing("git")), &exec, true);
        check(Ok(Filter::default().containing("curl-T")), &exec, false);
        check(Ok(Filter::default().containing("10.0.0.9:443")), &connect(), true);
        let subject = Subject { text: Text::Line(b"{\"argv\":[\"wget\"]}"), ..Subject::of(&exec) };
        assert!(Filter::default().containing("wget").holds(&subject));
    }

    #[test]
    fn all_conditions_must_hold() {
        let filter = Filter::default().with_pid(42).with_type("net");
        check(filter.clone(), &connect(), true);
        check(filter.clone().and_then(|f| f.with_dest(":443")), &connect(), true);
        check(filter.and_then(|f| f.with_dest(":444")), &connect(), false);
    }

    #[test]
    fn an_unknown_type_or_operation_is_refused_with_the_known_ones() {
        let error = Filter::default().with_type("socket").expect_err("there is none");
        assert_eq!(error.to_string(), "cannot find a type of event 'socket'");
        assert!(error.hint().starts_with("one of start, process, exec, file"));
        let error = Filter::default().with_op("mkdir").expect_err("there is none");
        assert!(error.hint().contains("create"));
    }
}
