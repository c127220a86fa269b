//! Rules put together into one program.

use super::{RuleSet, problem};
use crate::problem::Problem;
use crate::program::Builder;

impl RuleSet {
    /// Makes the program of all rules.
    pub(super) fn compile(&mut self, problems: &mut Vec<Problem>) {
        let mut builder = Builder::default();
        for (at, rule) in self.rules.iter().enumerate() {
            let number = u32::try_from(at).unwrap_or(u32::MAX);
            let mut codes = Vec::new();
            let mut wrong = |why: String| {
                problems.push(problem(&rule.from, rule.line, format!("{}: {why}", rule.id), true));
            };
            for (step, when) in (0..).zip(rule.exprs()) {
                if let Err(why) = builder.clause((number, step), when, rule.tried) {
                    wrong(why);
                }
            }
            for exception in &rule.except {
                match builder.code(&exception.when, rule.tried) {
                    Ok(code) => codes.push((code, exception.until_ns)),
                    Err(why) => wrong(why),
                }
            }
            self.exceptions.push(codes);
        }
        match builder.finish() {
            Ok(program) => self.program = program,
            Err(why) => problems.push(problem("", 0, why, true)),
        }
    }
}
