//! Setting images apart for validation.

use std::collections::BTreeMap;

use super::Item;

/// Splits into training and validation images: of every class with n >= 2 images round(share * n), but at least one and
/// not all, those whose names have the smallest hashes. So the split depends on the names and the seed alone, and an
/// image that is added moves at most a few others.
pub(super) fn split(items: Vec<Item>, share: f64, seed: u64) -> (Vec<Item>, Vec<Item>) {
    let mut classes: BTreeMap<&str, Vec<(u64, usize)>> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        classes.entry(&item.class).or_default().push((hash(item, seed), i));
    }
    let mut validates = vec![false; items.len()];
    for mut images in classes.into_values().filter(|images| images.len() > 1) {
        images.sort_by_key(|&(hash, i)| (hash, &items[i].path));
        let n = images.len();
        let set_apart = ((share * n as f64).round() as usize).clamp(1, n - 1);
        for (_, i) in &images[..set_apart] {
            validates[*i] = true;
        }
    }
    let (validation, train): (Vec<_>, Vec<_>) =
        items.into_iter().zip(validates).partition(|(_, validates)| *validates);
    let items = |pairs: Vec<(Item, bool)>| pairs.into_iter().map(|(item, _)| item).collect();
    (items(train), items(validation))
}

/// FNV-1a of the path's components, finished by SplitMix64's mixer; the same on every platform.
fn hash(item: &Item, seed: u64) -> u64 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for part in &item.path {
        for &byte in part.as_encoded_bytes().iter().chain(b"/") {
            h = (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn items(classes: &[usize]) -> Vec<Item> {
        let images = classes.iter().enumerate().flat_map(|(class, &n)| (0..n).map(move |i| (class, i)));
        images
            .map(|(class, i)| Item {
                path: format!("{class}/{i}.png").into(),
                class: class.to_string(),
                part: None,
            })
            .collect()
    }

    fn names(items: &[Item]) -> BTreeSet<&std::path::Path> {
        items.iter().map(|item| item.path.as_path()).collect()
    }

    proptest! {
        /// Disjoint, complete, stratified, and independent of the order of the files.
        #[test]
        fn a_split_is_stratified(classes in prop::collection::vec(0..40usize, 1..5), share in 0.01..0.99f64, seed: u64) {
            let all = items(&classes);
            let (train, validation) = split(all.clone(), share, seed);
            prop_assert_eq!(train.len() + validation.len(), all.len());
            prop_assert!(names(&train).is_disjoint(&names(&validation)));
            for (class, &n) in classes.iter().enumerate() {
                let expected = if n < 2 { 0 } else { ((share * n as f64).round() as usize).clamp(1, n - 1) };
                prop_assert_eq!(validation.iter().filter(|item| item.class == class.to_string()).count(), expected);
            }
            let reversed = split(all.iter().rev().cloned().collect(), share, seed).1;
            prop_assert_eq!(names(&reversed), names(&validation));
        }
    }

    #[test]
    fn seeds_choose_differently() {
        let all = items(&[100]);
        let [a, b] = [1, 2].map(|seed| split(all.clone(), 0.5, seed).1);
        assert_ne!(names(&a), names(&b));
        assert_eq!(names(&a), names(&split(all, 0.5, 1).1));
    }
}
