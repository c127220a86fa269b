//! What is on the screen and what keys do to it. Pure: no terminal.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A page of the monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Page {
    /// The beginnings of all others.
    #[default]
    All,
    /// The tree.
    Processes,
    /// What rules found.
    Findings,
    /// Files.
    Files,
    /// Peers.
    Network,
    /// What is recorded and what not, and what that costs.
    Coverage,
}

impl Page {
    /// Every one, in the order of their keys.
    pub(super) const ALL: [Page; 6] =
        [Page::All, Page::Processes, Page::Findings, Page::Files, Page::Network, Page::Coverage];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Page::All => "all",
            Page::Processes => "processes",
            Page::Findings => "findings",
            Page::Files => "files",
            Page::Network => "network",
            Page::Coverage => "coverage",
        }
    }
}

/// What is shown.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The page.
    pub(super) page: Page,
    /// Rows above the first that is shown.
    pub(super) scroll: usize,
    /// Nothing new is taken, so that what is there can be read.
    pub(super) held: bool,
    /// Processes that ended are shown too.
    pub(super) ended: bool,
}

/// What a key asks of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Draw again.
    Draw,
    /// Go.
    Quit,
    /// Stop, as ^Z does.
    Suspend,
}

/// Keys, as the last line shows them.
pub(super) const KEYS: [(&str, &str); 6] = [
    ("q", "quit"),
    ("Tab 1-6", "page"),
    ("Up Down PgUp PgDn", "scroll"),
    ("e", "ended"),
    ("h", "hold"),
    ("^Z", "stop"),
];

impl View {
    /// Takes a key; `room` is how many rows a page has.
    pub(super) fn key(&mut self, key: KeyEvent, room: usize) -> Act {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Act::Quit,
            KeyCode::Char('z') if control => return Act::Suspend,
            KeyCode::Char('q') | KeyCode::Esc => return Act::Quit,
            KeyCode::Tab | KeyCode::Right => self.turn(1),
            KeyCode::BackTab | KeyCode::Left => self.turn(Page::ALL.len() - 1),
            KeyCode::Char(c @ '1'..='6') => self.go(c as usize - '1' as usize),
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll += 1,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(room),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll += room,
            KeyCode::Home => self.scroll = 0,
            KeyCode::Char('h') => self.held = !self.held,
            KeyCode::Char('e') => self.ended = !self.ended,
            _ => {}
        }
        Act::Draw
    }

    fn turn(&mut self, by: usize) {
        let at = Page::ALL.iter().position(|page| *page == self.page).unwrap_or(0);
        self.go((at + by) % Page::ALL.len());
    }

    fn go(&mut self, at: usize) {
        self.page = Page::ALL.get(at).copied().unwrap_or_default();
        self.scroll = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(view: &mut View, code: KeyCode) -> Act {
        view.key(KeyEvent::from(code), 10)
    }

    #[test]
    fn keys_turn_pages_and_scroll() {
        let mut view = View::default();
        for (key, page) in [
            (KeyCode::Tab, Page::Processes),
            (KeyCode::Char('6'), Page::Coverage),
            (KeyCode::Tab, Page::All),
            (KeyCode::BackTab, Page::Coverage),
            (KeyCode::Char('4'), Page::Files),
        ] {
            assert_eq!((press(&mut view, key), view.page), (Act::Draw, page));
        }
        for (key, scroll) in [(KeyCode::Up, 0), (KeyCode::PageDown, 10), (KeyCode::Up, 9)] {
            press(&mut view, key);
            assert_eq!(view.scroll, scroll, "{key:?}");
        }
        press(&mut view, KeyCode::Tab);
        assert_eq!(view.scroll, 0, "another page begins at its top");
    }

    #[test]
    fn control_c_and_q_go_and_control_z_stops() {
        let mut view = View::default();
        let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(view.key(control('c'), 10), Act::Quit);
        assert_eq!(view.key(control('z'), 10), Act::Suspend);
        assert_eq!(press(&mut view, KeyCode::Char('q')), Act::Quit);
    }
}
