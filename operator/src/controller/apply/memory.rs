//! What was applied last, so that nothing is written twice. Lost with the process, which costs one round of no-op writes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::controller::object::{DesiredObject, Key};
use crate::controller::observed::ObservedObject;

/// The last apply of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Hash of what was desired.
    pub hash: String,
    /// What the API server answered.
    pub object: ObservedObject,
}

/// The last apply of every object, by the unique id of its stack.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<String, HashMap<Key, Record>>>);

impl Memory {
    fn records(&self) -> MutexGuard<'_, HashMap<String, HashMap<Key, Record>>> {
        // A panic elsewhere leaves whole records behind: at worst an object is written once more.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version of the object, if neither what is desired nor what is observed has changed since the last apply.
    pub fn unchanged(&self, stack: &str, desired: &DesiredObject, observed: Option<&ObservedObject>) -> Option<String> {
        let records = self.records();
        let record = records.get(stack)?.get(&desired.key)?;
        let observed = observed?;
        let same = record.hash == desired.hash
            && record.object.uid == observed.uid
            && record.object.version == observed.version;
        same.then(|| observed.version.clone())
    }

    /// Remembers an apply.
    pub fn remember(&self, stack: &str, key: &Key, record: Record) {
        self.records().entry(stack.to_owned()).or_default().insert(key.clone(), record);
    }

    /// Forgets a stack that is gone.
    pub fn forget(&self, stack: &str) {
        self.records().remove(stack);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::controller::object::Kind;

    fn desired(text: &str) -> DesiredObject {
        DesiredObject::new(Kind::ConfigMap, &json!({"metadata": {"name": "a"}, "data": {"text": text}}))
    }

    fn observed(version: &str) -> ObservedObject {
        ObservedObject { uid: "1".to_owned(), version: version.to_owned(), owners: Vec::new() }
    }

    fn memory_of(desired: &DesiredObject, version: &str) -> Memory {
        let memory = Memory::default();
        memory.remember("stack", &desired.key, Record { hash: desired.hash.clone(), object: observed(version) });
        memory
    }

    #[test]
    fn an_object_is_unchanged_when_both_sides_are() {
        let memory = memory_of(&desired("x"), "7");
        assert_eq!(memory.unchanged("stack", &desired("x"), Some(&observed("7"))).as_deref(), Some("7"));
    }

    #[test]
    fn a_change_on_either_side_or_a_missing_object_is_noticed() {
        let memory = memory_of(&desired("x"), "7");
        assert_eq!(memory.unchanged("stack", &desired("y"), Some(&observed("7"))), None);
        assert_eq!(memory.unchanged("stack", &desired("x"), Some(&observed("8"))), None);
        assert_eq!(memory.unchanged("stack", &desired("x"), None), None);
        assert_eq!(memory.unchanged("another", &desired("x"), Some(&observed("7"))), None);
    }
}
