//! Reads one source after the other, weakest layer first. Decides what counts where it stands; not which value is used in
//! the end, except that a later one replaces an earlier one, and that rules are collected.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Reason};
use super::key::{Key, Projects, agent_command_variable, is_section, section, unknown};
use super::source::{Content, Flag, Layer, Place, Source};
use super::value::{BadValue, Value};
use super::{Ignored, WhyIgnored};
use crate::id::AgentName;

/// A value and where it comes from.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) layer: Layer,
    pub(super) place: Place,
    /// Weaker sources that count as well.
    pub(super) also: Vec<(Layer, Place)>,
}

/// What was read so far.
#[derive(Debug)]
pub(super) struct Reading {
    trusted: bool,
    pub(super) settings: BTreeMap<Key, Setting>,
    pub(super) errors: Vec<ConfigError>,
    pub(super) ignored: Vec<Ignored>,
}

struct File<'a> {
    layer: Layer,
    path: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn place<T>(&self, item: &Spanned<T>) -> Place {
        Place::in_file(self.path, self.text, item.span().start)
    }
}

impl Reading {
    pub(super) fn new(trusted: bool) -> Self {
        Self {
            trusted,
            settings: BTreeMap::new(),
            errors: Vec::new(),
            ignored: Vec::new(),
        }
    }

    pub(super) fn read(&mut self, source: &Source) {
        let layer = source.layer();
        match &source.content {
            Content::File { path, text } => self.file(&File { layer, path, text }),
            Content::Variables(variables) => {
                for (name, value) in variables {
                    self.variable(layer, name, value);
                }
            }
            Content::Flags(flags) => {
                for flag in flags {
                    self.flag(layer, flag);
                }
            }
        }
    }

    fn file(&mut self, file: &File<'_>) {
        match DeTable::parse(file.text) {
            Ok(table) => {
                let before = self.errors.len();
                self.table(file, table.get_ref(), &[]);
                // Tables are sorted by name; people read from the top.
                if let Some(new) = self.errors.get_mut(before..) {
                    new.sort_by(|one, other| one.place.cmp(&other.place));
                }
            }
            Err(error) => {
                let start = error.span().map_or(0, |span| span.start);
                let place = Place::in_file(file.path, file.text, start);
                let message = error.message().replace('\n', "; ");
                self.error(place, Reason::Syntax { message });
            }
        }
    }

    fn table(&mut self, file: &File<'_>, table: &DeTable<'_>, parents: &[&str]) {
        for (name, value) in table {
            let mut path = parents.to_vec();
            path.push(name.get_ref());
            let place = file.place(name);
            if let Some(key) = Key::from_path(&path) {
                let parse = || Value::from_toml(key.info().kind, value.get_ref());
                self.setting(key.clone(), file.layer, place, file.place(value), parse);
            } else if !is_section(&path) {
                self.error(place, unknown(&path));
            } else if let DeValue::Table(table) = value.get_ref() {
                self.table(file, table, &path);
            } else {
                self.error(place, section(&path));
            }
        }
    }

    fn variable(&mut self, layer: Layer, name: &str, value: &str) {
        let keys = Key::from_variable(name).map_or_else(|| self.commands(name), |key| vec![key]);
        for key in keys {
            let place = Place::Variable(name.to_owned());
            let parse = || Value::from_text(key.info().kind, value);
            self.setting(key.clone(), layer, place.clone(), place, parse);
        }
    }

    fn flag(&mut self, layer: Layer, flag: &Flag) {
        let place = Place::Flag(flag.name.clone());
        match Key::parse(&flag.key) {
            Ok(key) => {
                let parse = || Value::from_text(key.info().kind, &flag.value);
                self.setting(key.clone(), layer, place.clone(), place, parse);
            }
            Err(error) => self.error(place, error.reason),
        }
    }

    /// A variable's name says less than an agent's: `MY_AGENT` is `my-agent`, unless files name it differently.
    fn commands(&self, variable: &str) -> Vec<Key> {
        let Some(name) = variable
            .strip_prefix("BETCODE_AGENT_")
            .and_then(|rest| rest.strip_suffix("_COMMAND"))
        else {
            return Vec::new();
        };
        let chosen = self.settings.get(&Key::Agent);
        let chosen = chosen.and_then(|setting| setting.value.as_text());
        let mut known: Vec<AgentName> = self
            .settings
            .keys()
            .chain(self.ignored.iter().map(|ignored| &ignored.key))
            .filter_map(|key| key.parts().map(|(agent, _)| agent.clone()))
            .chain(chosen.map(AgentName::from))
            .filter(|agent| agent_command_variable(agent) == variable)
            .collect();
        known.sort();
        known.dedup();
        if known.is_empty() {
            let name = name.to_ascii_lowercase().replace('_', "-");
            known.push(AgentName(name));
        }
        known.into_iter().map(Key::AgentCommand).collect()
    }

    /// `place` is the key's, `value_place` the value's.
    fn setting(
        &mut self,
        key: Key,
        layer: Layer,
        place: Place,
        value_place: Place,
        parse: impl FnOnce() -> Result<Value, BadValue>,
    ) {
        if let Some(reason) = key.bad_name() {
            self.error(place, reason);
            return;
        }
        if let Some(why) = self.why_ignored(&key, layer) {
            self.ignored.push(Ignored { key, place, why });
            return;
        }
        match parse() {
            Ok(mut value) => {
                let mut also = Vec::new();
                if let Some(weaker) = self.settings.get(&key)
                    && value.add(&weaker.value)
                {
                    also.push((weaker.layer, weaker.place.clone()));
                    also.extend(weaker.also.iter().cloned());
                }
                let setting = Setting {
                    value,
                    layer,
                    place,
                    also,
                };
                self.settings.insert(key, setting);
            }
            Err(problem) => {
                let key = key.to_string();
                self.error(value_place, Reason::BadValue { key, problem });
            }
        }
    }

    fn why_ignored(&self, key: &Key, layer: Layer) -> Option<WhyIgnored> {
        match key.info().projects {
            Projects::WhenTrusted if layer.is_project() && !self.trusted => {
                Some(WhyIgnored::Untrusted)
            }
            Projects::Never | Projects::Personal if layer.is_project() => {
                Some(WhyIgnored::NotForProjects)
            }
            Projects::Always | Projects::WhenTrusted | Projects::Never | Projects::Personal => None,
        }
    }

    fn error(&mut self, place: Place, reason: Reason) {
        self.errors.push(ConfigError {
            place: Some(place),
            reason,
        });
    }
}
