//! Exit statuses: one table for the code, the help topic and `docs/exit-codes.md`.

/// Yes, or nothing to complain about.
pub(crate) const YES: u8 = 0;
/// No: nothing matches, not ready.
pub(crate) const NO: u8 = 1;
/// Wrong usage, or the command could not do its work.
pub(crate) const TROUBLE: u8 = 2;
/// `audit verify`: the record is not what was recorded, or nothing shows that it is.
pub(crate) const ALTERED: u8 = 1;
/// `audit verify`: the record has no end.
pub(crate) const UNCLEAN: u8 = 2;
/// `audit verify`: it cannot be read, or wrong usage.
pub(crate) const UNREADABLE: u8 = 3;
/// `audit run --lock=fail`: a run of that name goes on; the command was not started (EX_TEMPFAIL,
/// sysexits.h).
pub(crate) const BUSY: u8 = 75;
/// `audit run --strict --diff-last=fail-on-new`: whether the command did something new is not known.
pub(crate) const NOT_COMPARED: u8 = 122;
/// `audit run --strict`: the command ran, its record is not complete.
pub(crate) const NOT_COMPLETE: u8 = 123;
/// `audit run` could not start recording; the command was not started.
pub(crate) const NOT_RECORDED: u8 = 125;
/// `audit run`: the command cannot be executed.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// `audit run`: the command was not found.
pub(crate) const NOT_FOUND: u8 = 127;

/// One line of the table.
pub(crate) struct Meaning {
    /// The status, as a shell shows it.
    pub(crate) code: &'static str,
    /// What it says.
    pub(crate) says: &'static str,
}

const fn meaning(code: &'static str, says: &'static str) -> Meaning {
    Meaning { code, says }
}

/// Statuses of `audit run`.
pub(crate) const OF_RUN: [Meaning; 10] = [
    meaning("CMD's", "the command was recorded and exited with this status"),
    meaning("signal", "CMD died by a signal, and so does audit (a shell shows 128 + N)"),
    meaning("1", "with --fail-on: CMD succeeded, but something weighty was found"),
    meaning("1", "with --diff-last=fail-on-new: CMD succeeded, but did something new"),
    meaning("75", "with --lock=fail: a run of this name goes on; CMD was not started"),
    meaning("122", "with --strict and fail-on-new: CMD succeeded, and cannot be compared"),
    meaning("123", "with --strict: CMD ran to its end, but the record is not complete"),
    meaning("125", "wrong usage, or recording could not start; CMD was not started"),
    meaning("126", "CMD was found but cannot be executed"),
    meaning("127", "CMD was not found"),
];

/// Statuses of `audit verify`.
pub(crate) const OF_VERIFY: [Meaning; 4] = [
    meaning("0", "verified: the record is what was recorded"),
    meaning("1", "altered, or signed by nobody who is known here"),
    meaning("2", "no end: the recorder died, or the run is still recorded"),
    meaning("3", "it cannot be read, or wrong usage"),
];

/// Statuses of all other commands.
pub(crate) const OF_OTHERS: [Meaning; 5] = [
    meaning("0", "yes, or done; also when the reader of our output has gone away"),
    meaning("1", "no: nothing matches (query, explain, tail), cannot record (doctor)"),
    meaning("1", "no: it differs (diff --exit-code, baseline check), no key yet (keys)"),
    meaning("1", "no: not verified, so not taken (import)"),
    meaning("2", "wrong usage, or it could not be done; standard error says why"),
];

/// What is true of all of them.
pub(crate) const NOTE: &str = "Trouble with recording after CMD has started never changes the status,\nunless \
--strict was given: it is shown in the summary and kept in the record.";

/// Returns the help topic.
pub(crate) fn topic() -> String {
    let mut page = String::from("Exit codes\n\naudit run\n");
    let rows = |list: &[Meaning]| -> String {
        list.iter().map(|row| format!("  {:<7} {}\n", row.code, row.says)).collect()
    };
    page.push_str(&rows(&OF_RUN));
    page.push_str("\naudit verify\n");
    page.push_str(&rows(&OF_VERIFY));
    page.push_str("\nall other commands\n");
    page.push_str(&rows(&OF_OTHERS));
    page.push('\n');
    page.push_str(NOTE);
    page.push('\n');
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_lists_the_table() {
        let document = include_str!("../../docs/exit-codes.md");
        for row in OF_RUN.iter().chain(&OF_VERIFY).chain(&OF_OTHERS) {
            let line = format!("| {} | {} |", row.code, row.says);
            assert!(document.contains(&line), "docs/exit-codes.md lacks: {line}");
        }
    }

    #[test]
    fn the_topic_fits_the_design_width_and_names_the_numbers() {
        let topic = topic();
        assert!(topic.lines().all(|line| line.len() <= 80), "{topic}");
        for code in [
            YES,
            NO,
            TROUBLE,
            ALTERED,
            UNCLEAN,
            UNREADABLE,
            BUSY,
            NOT_COMPARED,
            NOT_COMPLETE,
            NOT_RECORDED,
            NOT_EXECUTABLE,
            NOT_FOUND,
        ] {
            assert!(topic.contains(&format!("\n  {code} ")), "{code}");
        }
    }
}
