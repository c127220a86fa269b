//! `audit monitor`: what a run is doing, on one screen, while it does it or afterwards.
//!
//! [`state`] is put together from events, [`view`] is what the user looks at, [`draw`] makes a picture
//! of both; all three are pure. Only [`screen`] knows the terminal.

mod cost;
mod draw;
mod feed;
mod once;
mod screen;
mod state;
mod view;

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use anstream::{AutoStream, ColorChoice};

use self::{
    cost::Cost,
    draw::{Look, Picture},
    feed::Feed,
    screen::Screen,
    state::State,
    view::{Act, View},
};
use crate::{
    args::{Format, Globals, MonitorArgs},
    derive::Opened,
    dispatch::Answer,
    failure::Failure,
    pages,
    text::{self, Out, command_line},
};

/// How long events are taken before the screen and the keys have their turn.
const TURN: Duration = Duration::from_millis(100);

/// How long a key is waited for while nothing happens.
const PACE: Duration = Duration::from_millis(200);

/// A run that is looked at.
struct Monitor<'m> {
    opened: &'m Opened,
    command: String,
    start_ns: i64,
    feed: Feed<'m>,
    state: State,
    caught_up: bool,
    cost: Cost,
    cpu_percent: Option<f64>,
    measured: Option<Instant>,
    look: Look,
}

/// Shows a run.
pub(crate) fn monitor(args: &MonitorArgs, globals: &Globals) -> Result<Answer, Failure> {
    let opened = pages::open(globals, &args.run)?;
    let mut monitor = Monitor::new(&opened)?;
    let scripted = args.once || globals.form() != Format::Text;
    if scripted {
        monitor.print(args, globals)?;
        return Ok(Answer::Yes);
    }
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::new("cannot show the monitor: this is no terminal")
            .hint("audit monitor --once, or --once --json"));
    }
    monitor.show(args.every)?;
    Ok(Answer::Yes)
}

impl<'m> Monitor<'m> {
    fn new(opened: &'m Opened) -> Result<Self, Failure> {
        let plain = AutoStream::choice(&io::stdout()) == ColorChoice::Never;
        Ok(Monitor {
            opened,
            command: command_line(opened.meta.about.command()),
            start_ns: pages::nanoseconds(&opened.meta.started).unwrap_or(0),
            feed: Feed::open(opened)?,
            state: State::default(),
            caught_up: false,
            cost: Cost::default(),
            cpu_percent: None,
            measured: None,
            look: if plain { Look::Plain } else { Look::Colour },
        })
    }

    /// Prints what there is, once, or again and again until the run is over.
    fn print(&mut self, args: &MonitorArgs, globals: &Globals) -> Result<(), Failure> {
        let mut out = Out::open(&Globals { no_pager: true, ..globals.clone() });
        loop {
            while !self.feed.step(&mut self.state, TURN)? {}
            self.caught_up = true;
            self.measure();
            let view = View::default();
            let picture = self.picture(&view);
            match globals.form() {
                Format::Text => {
                    let page = once::page(&picture, text::Screen::of_stdout().width);
                    out.write_all(page.as_bytes())?;
                }
                form => {
                    let object = once::object(&picture, self.opened.run.id().as_str());
                    // A stream has an object a line.
                    let form = if args.once { form } else { Format::Jsonl };
                    text::write_json(&mut out, &object, form)?;
                }
            }
            out.flush()?;
            if args.once || !self.feed.is_live() {
                return Ok(out.close()?);
            }
            std::thread::sleep(args.every);
        }
    }

    /// Takes the terminal until the user goes.
    fn show(&mut self, every: Duration) -> Result<(), Failure> {
        let mut screen = Screen::take()?;
        let mut view = View::default();
        let mut drawn: Option<Instant> = None;
        let mut fresh = true;
        loop {
            if !view.held {
                self.caught_up = self.feed.step(&mut self.state, TURN)?;
            }
            let due =
                drawn.is_none_or(|drawn| drawn.elapsed() >= every.min(Duration::from_secs(1)));
            if fresh || due {
                self.measure();
                let picture = self.picture(&view);
                screen.draw(|frame| picture.draw(frame))?;
                (drawn, fresh) = (Some(Instant::now()), false);
            }
            let wait = if self.caught_up || view.held { PACE } else { Duration::ZERO };
            let key = screen.key(wait)?;
            if let Some(signal) = screen.ended_by() {
                drop(screen);
                // The default way, now that the terminal is given back.
                signal_hook::low_level::emulate_default_handler(signal)?;
                return Ok(());
            }
            let Some(key) = key else { continue };
            fresh = true;
            match view.key(key, draw::room(screen.height())) {
                Act::Draw => {}
                Act::Quit => return Ok(()),
                Act::Suspend => screen.suspend()?,
            }
        }
    }

    /// Looks at the recorder, once a second at most.
    fn measure(&mut self) {
        if self.measured.is_some_and(|last| last.elapsed() < Duration::from_secs(1)) {
            return;
        }
        let now = Cost::of(&self.opened.run);
        let took = self.measured.map(|last| last.elapsed());
        let both = self.cost.process.zip(now.process).zip(took);
        self.cpu_percent = both.map(|((before, now), took)| {
            100.0 * now.cpu.saturating_sub(before.cpu).as_secs_f64() / took.as_secs_f64()
        });
        (self.cost, self.measured) = (now, Some(Instant::now()));
    }

    fn picture<'p>(&'p self, view: &'p View) -> Picture<'p> {
        let last = self.state.span_ns.map_or(self.start_ns, |(_, last)| last);
        let clock = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
        let live = self.feed.is_live();
        Picture {
            state: &self.state,
            view,
            id: self.opened.run.id().suffix(),
            command: &self.command,
            live,
            caught_up: self.caught_up,
            start_ns: self.start_ns,
            now_ns: if live { clock } else { last },
            cost: self.cost,
            cpu_percent: self.cpu_percent,
            look: self.look,
        }
    }
}
