//! Sending: two lanes, each with its own connections. Seals go in one, so that evidence leaves the machine
//! at once whatever the other one carries.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Seek, Write},
    thread,
    time::Duration,
};

use crate::{
    Ended,
    backoff::Backoff,
    digest::Digest,
    findings::Feed,
    make::make,
    marks::{Mark, Marks, Stage},
    parts::Part,
    runs::{self, Sealed},
    say,
    settings::{Act, Settings},
    spool::Spool,
    target::{Parcel, Refused, Target},
};

/// A target as a lane sees it.
struct Place<'s> {
    word: &'s str,
    target: Target,
    marks: Marks,
    backoff: Backoff,
    /// It was given up: nothing more is sent there in this life.
    given_up: bool,
    /// Something was not taken in this pass: what is taken after it is no sign that all is well.
    behind: bool,
}

/// One lane.
struct Lane<'s> {
    settings: &'s Settings,
    spool: &'s Spool,
    parts: Vec<Part>,
    places: Vec<Place<'s>>,
    /// What could not be made, and was told: not tried again in this life.
    unmade: BTreeSet<(String, &'static str)>,
    /// Something is left that was told.
    left: bool,
}

/// Sends everything there is; with [`Act::Watch`] also what comes.
pub(crate) fn all(settings: &Settings) -> Result<Ended, String> {
    if settings.to.is_empty() && settings.findings.is_empty() {
        return Err(
            "there is nowhere to send to\nsay where: audit ship --to /DIR, s3://BUCKET/PREFIX \
                    or https://HOST/PREFIX"
                .to_owned(),
        );
    }
    // Behind everything that has work to do; I/O priority follows (ioprio_set(2)).
    let _ = rustix::process::nice(19);
    let spool = Spool::open(&settings.state)?;
    let of = |urgent: bool| -> Result<Lane<'_>, String> {
        let parts = settings.parts.iter().copied().filter(|part| part.is_urgent() == urgent);
        Lane::new(settings, &spool, parts.collect())
    };
    let (mut urgent, mut rest) = (of(true)?, of(false)?);
    let feeds = settings.findings.iter().map(|word| Feed::new(settings, word));
    let feeds = feeds.collect::<Result<Vec<_>, _>>()?;
    let left = thread::scope(|scope| {
        let mut others = vec![scope.spawn(move || urgent.go())];
        others.extend(feeds.into_iter().map(|feed| scope.spawn(move || feed.go())));
        let mut left = rest.go();
        for other in others {
            // A lane that panicked has left something.
            left |= other.join().unwrap_or(true);
        }
        left
    });
    Ok(if left { Ended::Left } else { Ended::Done })
}

impl<'s> Lane<'s> {
    fn new(settings: &'s Settings, spool: &'s Spool, parts: Vec<Part>) -> Result<Lane<'s>, String> {
        let mut places = Vec::new();
        for word in &settings.to {
            let target = Target::parse(word, settings)?;
            let marks = Marks::of(&settings.state, word);
            marks
                .make(word)
                .map_err(|why| format!("cannot use {}: {why}", settings.state.display()))?;
            let backoff = Backoff::new(settings.pause());
            places.push(Place { word, target, marks, backoff, given_up: false, behind: false });
        }
        Ok(Lane { settings, spool, parts, places, unmade: BTreeSet::new(), left: false })
    }

    /// Works until everything is sent or given up; for ever when watching. Returns whether something is left.
    fn go(&mut self) -> bool {
        if self.places.is_empty() {
            return false;
        }
        let watch = self.settings.act == Act::Watch;
        loop {
            let pause = match self.pass() {
                Ok(pause) => pause,
                Err(why) => {
                    say::error(&why);
                    self.left = true;
                    None
                }
            };
            match pause {
                None if !watch => return self.left,
                pause => {
                    let longest = self.settings.interval();
                    thread::sleep(if watch {
                        pause.unwrap_or(longest).min(longest)
                    } else {
                        pause.unwrap_or(longest)
                    });
                }
            }
        }
    }

    /// Sends what can be sent now. Returns when to go on, if something waits.
    fn pass(&mut self) -> Result<Option<Duration>, String> {
        let mut runs = runs::sealed(&self.settings.home)?;
        let spools = self.parts.iter().any(|part| part.format().is_some());
        if spools {
            runs.extend(self.spool.orphans(&runs));
        }
        self.places.iter_mut().for_each(|place| place.behind = false);
        for run in &runs {
            for at in 0..self.parts.len() {
                if let Some(part) = self.parts.get(at).copied() {
                    self.part(run, part);
                }
            }
            if spools {
                self.spool.tidy(&run.id);
            }
        }
        let waiting = self.places.iter().filter(|place| !place.given_up);
        Ok(waiting
            .filter(|place| place.backoff.failures() > 0)
            .map(|place| place.backoff.left())
            .min())
    }

    /// Makes a part where somebody wants it, and sends it to all that do.
    fn part(&mut self, run: &Sealed, part: Part) {
        let wanted = |place: &Place<'_>| !place.marks.is_over(&run.id, part);
        if !self.places.iter().any(wanted) {
            // A kill between the last mark and this leaves it in the spool.
            self.spool.remove(&run.id, part);
            return;
        }
        let key = (run.id.clone(), part.word());
        let gone = !run.path.exists() && !self.spool.path(&run.id, part).exists();
        if gone || self.unmade.contains(&key) || !self.has_room(run, part) {
            return;
        }
        if let Err(why) = make(self.settings, self.spool, run, part) {
            say::error(&why);
            self.left = true;
            self.unmade.insert(key);
            return;
        }
        for at in 0..self.places.len() {
            let Some(place) = self.places.get_mut(at) else { break };
            let ready = !place.given_up && place.backoff.left().is_zero();
            if ready && !place.marks.is_over(&run.id, part) {
                self.left |= send(self.settings, self.spool, place, run, part);
            }
        }
        if self.places.iter().all(|place| place.marks.is_over(&run.id, part)) {
            self.spool.remove(&run.id, part);
        }
    }

    /// Whether the part is in the spool, needs no place there, or has room.
    fn has_room(&self, run: &Sealed, part: Part) -> bool {
        part.format().is_none()
            || self.spool.path(&run.id, part).exists()
            || self.spool.size() < self.settings.spool_max
    }
}

/// Sends a part to one place, and marks what came of it. Returns whether it is left for good.
fn send(
    settings: &Settings,
    spool: &Spool,
    place: &mut Place<'_>,
    run: &Sealed,
    part: Part,
) -> bool {
    let quiet = settings.quiet;
    let what = format!("{} of {} to {}", part.word(), run.id, place.word);
    let sent = open(spool, run, part)
        .map_err(|why| Refused::Later(format!("cannot read it: {why}"), None))
        .and_then(|(file, digest)| put(place, run, part, file, &digest));
    match sent {
        Ok(note) => {
            if !place.behind {
                place.backoff.works();
            }
            let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
            say::note(quiet, &format!("sent {what}{note}"));
            false
        }
        Err(Refused::Conflict(why)) => {
            if !place.behind {
                place.backoff.works();
            }
            say::error(&format!("cannot send {what}: {why}"));
            true
        }
        Err(Refused::Later(why, after)) => {
            place.behind = true;
            let pause = place.backoff.failed(after);
            let failures = place.backoff.failures();
            if settings.act == Act::Once && failures >= settings.tries {
                say::error(&format!("cannot send {what}: {why}\ngiven up after {failures} tries"));
                place.given_up = true;
                return true;
            }
            say::note(
                quiet,
                &format!("cannot send {what} yet: {why}; again in {:.1} s", pause.as_secs_f64()),
            );
            false
        }
        Err(Refused::Never(why)) => {
            say::error(&format!("cannot send {what}: {why}"));
            // Somebody may mend it while we watch.
            let pause = place.backoff.failed(Some(Duration::from_secs(60)));
            place.given_up = settings.act == Act::Once;
            if !place.given_up {
                let alone = format!("{} is left alone for {} s", place.word, pause.as_secs());
                say::note(quiet, &alone);
            }
            true
        }
    }
}

/// What is sent: from the spool, or of the run's own files.
fn open(spool: &Spool, run: &Sealed, part: Part) -> std::io::Result<(File, Digest)> {
    let mut file = match part.format() {
        Some(_) => File::open(spool.path(&run.id, part))?,
        None => {
            let name = if part == Part::Seal { "seal" } else { "seal.sig" };
            let bytes = runs::read(&run.path, name)?;
            let mut file = scratch(spool)?;
            file.write_all(&bytes)?;
            file.rewind()?;
            file
        }
    };
    let digest = Digest::of_file(&mut file)?;
    Ok((file, digest))
}

/// A file without a name.
fn scratch(spool: &Spool) -> std::io::Result<File> {
    let path = spool.scratch("seal", Part::Seal);
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

fn put(
    place: &Place<'_>,
    run: &Sealed,
    part: Part,
    mut file: File,
    digest: &Digest,
) -> Result<&'static str, Refused> {
    let mark = |stage, note: &str| {
        let mark = Mark::now(stage, digest, note);
        let attempt = |why| Refused::Later(format!("cannot write a mark: {why}"), None);
        place.marks.write(&run.id, part, &mark).map_err(attempt)
    };
    let before = place.marks.read(&run.id, part);
    let tried = before.is_some_and(|mark| mark.digest == *digest);
    if !tried {
        mark(Stage::Trying, "")?;
    }
    let key = part.key(run);
    let parcel = &mut Parcel { key: &key, file: &mut file, digest, tried };
    match place.target.put(parcel) {
        Ok(put) => {
            mark(Stage::Sent, put.note())?;
            Ok(put.note())
        }
        Err(Refused::Conflict(why)) => {
            mark(Stage::Conflict, &why)?;
            Err(Refused::Conflict(why))
        }
        Err(other) => Err(other),
    }
}
