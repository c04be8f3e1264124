//! Groups of filters that answer alike: complete-linkage clustering of 1 - phi, cut at 0.1.
//!
//! Complete linkage merges two groups by the *least* similar of their filters, so that within a group any two filters
//! have phi >= 0.9; single linkage would chain filters together that have little in common. Groups never reach over a
//! connected component of the graph phi >= 0.9, so that the quadratic work is done within those, which are small.

use crate::Similarity;

/// From this similarity on, two filters answer alike.
pub const REDUNDANT_SIMILARITY: f64 = 0.9;

/// Groups of two or more filters, any two of which have phi of at least [`REDUNDANT_SIMILARITY`].
///
/// Repeatedly merges the two groups whose least similar filters are most similar, as long as that similarity reaches the
/// threshold; ties go to the groups that hold the smallest filters. Filters with phi 0 to all others (all-zero ones) are
/// never grouped. Groups are sorted within and by their first filter.
pub fn redundant_groups(similarity: &Similarity) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> =
        components(similarity).into_iter().flat_map(|filters| cut(similarity, &filters)).collect();
    groups.sort();
    groups
}

/// The smallest similarity of two filters of one group; `None` without groups.
pub fn lowest_similarity(groups: &[Vec<usize>], similarity: &Similarity) -> Option<f64> {
    let pairs = groups.iter().flat_map(|group| {
        let of = |(place, &i): (usize, &usize)| {
            group[place + 1..].iter().map(move |&j| (i, j)).collect::<Vec<_>>()
        };
        group.iter().enumerate().flat_map(of)
    });
    pairs.map(|(i, j)| f64::from(similarity.get(i, j))).reduce(f64::min)
}

/// Connected components of two or more filters of the graph phi >= 0.9, each sorted.
fn components(similarity: &Similarity) -> Vec<Vec<usize>> {
    let f = similarity.filters;
    let mut parent: Vec<usize> = (0..f).collect();
    let mut upper = similarity.upper.iter();
    for i in 0..f {
        for j in i + 1..f {
            if upper.next().is_some_and(|&phi| alike(phi)) {
                let (i, j) = (root(&mut parent, i), root(&mut parent, j));
                parent[i.max(j)] = i.min(j);
            }
        }
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); f];
    for filter in 0..f {
        let root = root(&mut parent, filter);
        members[root].push(filter);
    }
    members.retain(|filters| filters.len() > 1);
    members
}

/// The representative of a filter's component; halves the path on the way.
fn root(parent: &mut [usize], mut filter: usize) -> usize {
    while parent[filter] != filter {
        parent[filter] = parent[parent[filter]];
        filter = parent[filter];
    }
    filter
}

fn alike(phi: f32) -> bool {
    // Written so that 0.9 itself counts, although the nearest 32-bit value lies below 0.9.
    phi >= REDUNDANT_SIMILARITY as f32
}

/// Complete-linkage groups of one component, each of two or more filters.
///
/// Keeps for every group its most similar later group, so that a merge costs O(m) and the whole O(m^2) in practice.
fn cut(similarity: &Similarity, filters: &[usize]) -> Vec<Vec<usize>> {
    let m = filters.len();
    let mut linkage = vec![0.0_f32; m * m];
    for i in 0..m {
        for j in i + 1..m {
            let phi = similarity.get(filters[i], filters[j]);
            linkage[i * m + j] = phi;
            linkage[j * m + i] = phi;
        }
    }
    let mut groups: Vec<Vec<usize>> = filters.iter().map(|&filter| vec![filter]).collect();
    let mut nearest: Vec<Option<usize>> = (0..m).map(|i| most_similar_later(&linkage, &groups, i)).collect();
    while let Some((i, j)) = most_similar_pair(&linkage, &nearest, m) {
        let merged = std::mem::take(&mut groups[j]);
        groups[i].extend(merged);
        for k in (0..m).filter(|&k| k != i && !groups[k].is_empty()) {
            let phi = linkage[i * m + k].min(linkage[j * m + k]);
            linkage[i * m + k] = phi;
            linkage[k * m + i] = phi;
        }
        nearest[j] = None;
        for (k, nearest) in nearest.iter_mut().enumerate() {
            // Similarities to the merged group only fell: a nearest group can change only where it was one of the two.
            if k == i || nearest.is_some_and(|near| near == i || near == j) {
                *nearest = most_similar_later(&linkage, &groups, k);
            }
        }
    }
    for group in &mut groups {
        group.sort_unstable();
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// The most similar of the groups after `i` that are alike; the first of equals.
fn most_similar_later(linkage: &[f32], groups: &[Vec<usize>], i: usize) -> Option<usize> {
    let m = groups.len();
    if groups[i].is_empty() {
        return None;
    }
    let row = &linkage[i * m..][..m];
    let mut best: Option<usize> = None;
    for j in i + 1..m {
        if !groups[j].is_empty() && alike(row[j]) && best.is_none_or(|best| row[j] > row[best]) {
            best = Some(j);
        }
    }
    best
}

/// The two most similar groups; the first of equals.
fn most_similar_pair(linkage: &[f32], nearest: &[Option<usize>], m: usize) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    for (i, &near) in nearest.iter().enumerate() {
        let Some(j) = near else { continue };
        if best.is_none_or(|(k, l)| linkage[i * m + j] > linkage[k * m + l]) {
            best = Some((i, j));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The textbook: looks at all pairs of groups and all pairs of their filters before every merge.
    fn reference(similarity: &Similarity) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = (0..similarity.filters).map(|filter| vec![filter]).collect();
        loop {
            let mut best: Option<(f32, usize, usize)> = None;
            for i in 0..groups.len() {
                for j in i + 1..groups.len() {
                    let pairs = groups[i].iter().flat_map(|&a| groups[j].iter().map(move |&b| (a, b)));
                    let least = pairs.map(|(a, b)| similarity.get(a, b)).fold(f32::INFINITY, f32::min);
                    if best.is_none_or(|(phi, ..)| least > phi) {
                        best = Some((least, i, j));
                    }
                }
            }
            match best {
                Some((phi, i, j)) if phi >= 0.9 => {
                    let merged = groups.remove(j);
                    groups[i].extend(merged);
                }
                _ => break,
            }
        }
        for group in &mut groups {
            group.sort_unstable();
        }
        groups.retain(|group| group.len() > 1);
        groups.sort();
        groups
    }

    prop_compose! {
        /// Similarities that crowd around the threshold, with many ties and a few zeros.
        fn similarities()(filters in 0..24_usize)(
            upper in proptest::collection::vec(
                prop_oneof![Just(0.0_f32), Just(0.9), (0.85..1.0_f32).prop_map(|phi| (phi * 100.0).round() / 100.0), 0.88..1.0_f32],
                filters * filters.saturating_sub(1) / 2,
            ),
            filters in Just(filters),
        ) -> Similarity {
            Similarity { filters, upper }
        }
    }

    proptest! {
        #[test]
        fn equals_the_textbook(similarity in similarities()) {
            prop_assert_eq!(redundant_groups(&similarity), reference(&similarity));
        }

        #[test]
        fn any_two_filters_of_a_group_are_alike(similarity in similarities()) {
            for group in redundant_groups(&similarity) {
                for &i in &group {
                    for &j in &group {
                        prop_assert!(similarity.get(i, j) >= 0.9);
                    }
                }
            }
        }
    }

    #[test]
    fn a_chain_is_not_a_group() {
        let similarity = Similarity { filters: 3, upper: vec![0.95, 0.8, 0.92] };
        assert_eq!(redundant_groups(&similarity), [vec![0, 1]]);
    }

    #[test]
    fn a_thousand_copies_are_one_group() {
        let filters = 1000;
        let similarity = Similarity { filters, upper: vec![1.0; filters * (filters - 1) / 2] };
        assert_eq!(redundant_groups(&similarity), [(0..filters).collect::<Vec<_>>()]);
    }
}
