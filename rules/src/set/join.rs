//! Several files, by who wrote them: what each adds, and what it says of the rules of others.

use super::{Layer, RuleSet, problem};
use crate::expr::Expr;
use crate::forms::{Filter, Told};
use crate::problem::Problem;
use crate::rule::{Body, Exception};

/// Most rules of a set (HOSTILE A17).
const MAX_RULES: usize = 5_000;

impl RuleSet {
    /// Adds the rules of a file.
    pub(super) fn join(
        &mut self,
        layer: Layer,
        name: &str,
        told: &mut Told,
        problems: &mut Vec<Problem>,
    ) {
        self.unusable.extend(told.unusable.iter().cloned());
        let before = self.rules.len();
        for rule in std::mem::take(&mut told.rules) {
            if let Some(known) = self.rules.iter().find(|known| known.id == rule.id) {
                let what = format!("the id {} is taken by {}:{}", rule.id, known.from, known.line);
                problems.push(problem(name, rule.line, what, layer != Layer::Project));
                continue;
            }
            if self.rules.len() >= MAX_RULES {
                let what = format!("more than {MAX_RULES} rules");
                problems.push(problem(name, rule.line, what, layer != Layer::Project));
                break;
            }
            self.rules.push(rule);
        }
        if layer != Layer::Project {
            self.watched.extend(told.watched.iter().cloned());
            return;
        }
        // What a project looks at is silenced among its own rules only.
        for rule in self.rules.get_mut(before..).unwrap_or_default() {
            let is_watched = rule.names().any(|name| told.watched.iter().any(|it| it == name));
            rule.quiet |= is_watched;
        }
    }

    /// Adds what rules must meet too.
    fn filter(&mut self, name: &str, filter: &Filter, problems: &mut Vec<Problem>) {
        let mut warn = |what: String| problems.push(problem(name, filter.line, what, false));
        for id in &filter.rules {
            let known = self.rules.iter_mut().find(|rule| rule.names().any(|name| name == id));
            let body = known.map(|rule| {
                rule.tried = false;
                &mut rule.body
            });
            match body {
                Some(Body::When(when)) if when.things() & filter.things != 0 => {
                    *when = Expr::All(vec![when.clone(), filter.when.clone()]);
                }
                Some(Body::When(_)) => warn(format!("{id} is of another log source")),
                Some(_) => warn(format!("{id} is no rule about single events")),
                None => warn(format!("there is no rule {id}")),
            }
        }
    }

    /// Takes what a file says of rules of other files.
    pub(super) fn change(
        &mut self,
        layer: Layer,
        name: &str,
        told: Told,
        problems: &mut Vec<Problem>,
    ) {
        let weakens = layer == Layer::Project;
        let refused = |line: usize, what: &str| {
            let what = format!("{what} of the recorded project have no effect");
            problem(name, line, what, false)
        };
        for (id, severity, line) in told.severities {
            match self.rules.iter_mut().find(|rule| *rule.id == *id) {
                // More weight never hides anything.
                Some(rule) if !weakens || severity > rule.severity => rule.severity = severity,
                Some(_) => problems.push(refused(line, "lower severities")),
                None => problems.push(problem(name, line, format!("there is no rule {id}"), false)),
            }
        }
        for (id, line) in told.disabled {
            let known = self.rules.iter().any(|rule| *rule.id == *id);
            match (weakens, known) {
                (true, _) => problems.push(refused(line, "disabled rules")),
                (false, false) => {
                    problems.push(problem(name, line, format!("there is no rule {id}"), false));
                }
                (false, true) => {
                    self.rules.retain(|rule| *rule.id != *id);
                    self.disabled.push((id, name.to_owned()));
                }
            }
        }
        for line in told.values.iter().filter(|_| weakens) {
            problems.push(refused(*line, "values of placeholders"));
        }
        for filter in told.filters {
            match weakens {
                true => problems.push(refused(filter.line, "filters")),
                false => self.filter(name, &filter, problems),
            }
        }
        for (id, when, until_ns, line) in told.allowed {
            if weakens {
                problems.push(refused(line, "exceptions"));
                continue;
            }
            match self.rules.iter_mut().find(|rule| *rule.id == *id) {
                Some(rule) => {
                    rule.tried = false;
                    rule.except.push(Exception { when, until_ns });
                }
                None => problems.push(problem(name, line, format!("there is no rule {id}"), false)),
            }
        }
    }
}
