//! Ids of runs: a hash of the name under the log directory, so that an address means the same run tomorrow, and no
//! request can name a path.

use deepeyes_store::RunEntry;
use std::collections::BTreeMap;

/// FNV-1a, 64 bits.
fn hash(name: &str, salt: u64) -> u64 {
    let bytes = salt.to_le_bytes().into_iter().filter(|_| salt > 0).chain(name.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Gives each run an id of 16 hexadecimal digits; equal hashes are told apart in the order of the names.
pub(super) fn assign(entries: Vec<RunEntry>) -> BTreeMap<String, RunEntry> {
    let mut ids = BTreeMap::new();
    for entry in entries {
        let mut salt = 0;
        let id = loop {
            let id = format!("{:016x}", hash(&entry.name, salt));
            if !ids.contains_key(&id) {
                break id;
            }
            salt += 1;
        };
        ids.insert(id, entry);
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn ids_last_and_differ() {
        let entry = |name: &str| RunEntry { name: name.to_owned(), path: PathBuf::from(name) };
        let few = assign(vec![entry("a"), entry("b/c")]);
        let more = assign(vec![entry("a"), entry("b/c"), entry("b/d")]);
        assert_eq!((few.len(), more.len()), (2, 3));
        assert!(few.iter().all(|(id, entry)| more.get(id) == Some(entry)));
        assert_eq!(format!("{:016x}", hash("", 0)), "cbf29ce484222325");
    }
}
