//! Which conditions make a clause worth a look, and which fields somebody looks at.

use event::model::table::{ACTOR, TYPES};

use super::{Code, Look, Program, TestId, Visited, letter};
use crate::{
    expr::{How, Matcher},
    field::{Field, THINGS},
};

impl Program {
    /// Learns which names of the table are looked at.
    pub(super) fn visit(&mut self) {
        let Program { by_field, visited, looks, clocks, .. } = self;
        *clocks = by_field
            .keys()
            .filter_map(|field| match field {
                Field::Clock(part) => Some(*part),
                _ => None,
            })
            .collect();
        let any = by_field.get(&Field::Anything).copied();
        let home = by_field.get(&Field::HomePath).copied();
        for kind in TYPES {
            let names = kind.fields.iter().chain(ACTOR);
            let mut of_kind = Visited::default();
            for name in names.copied() {
                let own = |field: Field| by_field.get(&field).copied();
                let mut places: Vec<usize> = own(Field::Named(name)).into_iter().collect();
                let own_fields: &[Field] = match name {
                    "path" | "path2" | "also" | "path_claimed" => &[Field::Path, Field::HomePath],
                    _ => &[],
                };
                places.extend(own_fields.iter().filter_map(|field| own(*field)));
                places.extend(any);
                if places.is_empty() {
                    continue;
                }
                let places: Vec<_> =
                    places.into_iter().map(|place| (place, Some(place) == home)).collect();
                let look = looks.iter().position(|known| *known == places);
                let look = look.unwrap_or_else(|| {
                    looks.push(places);
                    looks.len() - 1
                });
                of_kind.names.push((name, Look(look)));
                of_kind.letters |= letter(name);
                of_kind.of_actor.extend(Some(name).filter(|name| ACTOR.contains(name)));
            }
            visited.push(of_kind);
        }
    }

    /// Finds out for which conditions each clause is worth a look.
    pub(super) fn cover(&mut self) {
        self.by_test = vec![Vec::new(); self.tests.len()];
        self.always = vec![Vec::new(); THINGS];
        (self.feeds, self.fed_things) = (Vec::new(), 0);
        for (at, clause) in self.clauses.iter().enumerate() {
            let at = at as u32;
            match self.cover_of(&clause.code) {
                Some((_, tests)) => {
                    for test in tests {
                        if let Some(of_test) = self.by_test.get_mut(test as usize) {
                            of_test.push(at);
                        }
                    }
                }
                None => {
                    for (thing, of_thing) in self.always.iter_mut().enumerate() {
                        if clause.things >> thing & 1 == 1 {
                            of_thing.push(at);
                        }
                    }
                }
            }
            if self.asks_who_reads(&clause.code) {
                self.feeds.push(at);
                self.fed_things |= clause.things;
            }
        }
    }

    fn asks_who_reads(&self, code: &Code) -> bool {
        match code {
            Code::All(list) | Code::Any(list) => list.iter().any(|one| self.asks_who_reads(one)),
            Code::Not(inner) => self.asks_who_reads(inner),
            Code::Things(_) => false,
            Code::Test(test) => {
                self.tests.get(*test as usize).is_some_and(|(field, _)| *field == Field::Feeds)
            }
        }
    }

    /// Conditions one of which holds whenever the code does, and how good that is to know.
    fn cover_of(&self, code: &Code) -> Option<(u32, Vec<TestId>)> {
        match code {
            Code::Test(test) => {
                let cost = match &self.tests.get(*test as usize)?.1 {
                    Matcher::Command(_) => 1,
                    Matcher::Text { how: How::Contains, text, .. } if text.len() < 3 => 5,
                    Matcher::Text { how: How::Contains, .. } => 3,
                    Matcher::Text { .. } => 2,
                    Matcher::Regex { .. } | Matcher::Wild(_) => 4,
                    Matcher::Network { .. } => 6,
                    Matcher::Number { .. } => 7,
                    Matcher::Present => 8,
                    Matcher::Same { .. } => 9,
                };
                Some((cost, vec![*test]))
            }
            Code::All(list) => list
                .iter()
                .filter_map(|one| self.cover_of(one))
                .min_by_key(|(cost, tests)| (*cost, tests.len())),
            Code::Any(list) => {
                let mut all = (0, Vec::new());
                for one in list {
                    let (cost, tests) = self.cover_of(one)?;
                    all.0 = all.0.max(cost);
                    all.1.extend(tests);
                }
                Some(all)
            }
            Code::Not(_) | Code::Things(_) => None,
        }
    }
}
