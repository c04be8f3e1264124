//! From one scale to the next: which points become landmarks, whom each of them stands for, and how alike they are.

use crate::Sparse;
use rayon::prelude::*;

/// Steps after which a walk's end counts.
const WALK: usize = 50;
/// A landmark ends this many times the walks that an average point does.
const THRESHOLD: f64 = 1.5;
/// Least share of points that become landmarks, where no point stands out.
const LEAST_SHARE: f64 = 0.02;
/// Steps less likely than this do not make a point reachable.
const UNLIKELY: f32 = 1e-4;
/// Share of a point's walks that may still be under way when the others are taken for all.
const UNDER_WAY: f32 = 0.01;
const MAX_SWEEPS: usize = 100;
/// Entries below this share of their row's largest go to the others.
const NEGLIGIBLE: f32 = 5e-3;

/// The points that random walks end at most often, in rising order; from every point a walk can reach one of them.
///
/// With u the even distribution over n points, pi = n u T^50 is the expected number of walks, one from each point, that end
/// at each: what the Monte Carlo selection of HSNE estimates, without its noise. Points with pi > 1.5 are landmarks.
pub(super) fn select(transitions: &Sparse) -> Vec<u32> {
    let n = transitions.rows();
    let backwards = transitions.transpose();
    let stuck: Vec<usize> = (0..n).filter(|&i| transitions.row(i).0.is_empty()).collect();
    let mut visits = vec![1.0; n];
    for _ in 0..WALK {
        let mut next = backwards.times(&visits);
        for &i in &stuck {
            next[i] += visits[i];
        }
        visits = next;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| visits[j].total_cmp(&visits[i]).then(i.cmp(&j)));
    let least = ((LEAST_SHARE * n as f64).ceil() as usize).clamp(1, n.max(1));
    let many = order.partition_point(|&i| visits[i] > THRESHOLD).max(least).min(n);
    let mut is_landmark = vec![false; n];
    let mut reached = vec![false; n];
    for (rank, &i) in order.iter().enumerate() {
        if rank < many || !reached[i] {
            is_landmark[i] = true;
            reach(&backwards, i, &mut reached);
        }
    }
    (0..n as u32).filter(|&i| is_landmark[i as usize]).collect()
}

/// Marks all points from which a walk can come to `target`.
fn reach(backwards: &Sparse, target: usize, reached: &mut [bool]) {
    let mut open = vec![target];
    while let Some(point) = open.pop() {
        if std::mem::replace(&mut reached[point], true) {
            continue;
        }
        let steps = backwards.pairs(point).filter(|&(from, p)| p >= UNLIKELY && !reached[from]);
        open.extend(steps.map(|(from, _)| from));
    }
}

/// Area of influence I `[n, landmarks]`: the probability that a walk from i, of at least one step, meets j as its first
/// landmark. Rows sum to 1.
///
/// I is the limit of the sweeps I(i, .) = sum over k of T(i, k) (e_k if k is a landmark, else I(k, .)); a row takes part
/// until hardly any of its walks is still under way, and is then scaled to 1.
pub(super) fn influence(transitions: &Sparse, landmarks: &[u32]) -> Sparse {
    let n = transitions.rows();
    let mut number = vec![None; n];
    for (j, &landmark) in landmarks.iter().enumerate() {
        number[landmark as usize] = Some(j as u32);
    }
    // A landmark that no step leaves is met by its own walks only.
    let still = |i: usize| number[i].filter(|_| transitions.row(i).0.is_empty());
    let mut rows: Vec<Vec<(u32, f32)>> =
        (0..n).map(|i| still(i).map_or_else(Vec::new, |j| vec![(j, 1.0)])).collect();
    let mut open: Vec<usize> = (0..n).filter(|&i| rows[i].is_empty()).collect();
    for sweep in 0.. {
        let next: Vec<Vec<(u32, f32)>> = open
            .par_iter()
            .map_init(
                || Accumulator::new(landmarks.len()),
                |sums, &i| {
                    for (k, p) in transitions.pairs(i) {
                        match number[k] {
                            Some(j) => sums.add(j, p),
                            None => rows[k].iter().for_each(|&(j, share)| sums.add(j, p * share)),
                        }
                    }
                    sums.take()
                },
            )
            .collect();
        let mut arrived = 0;
        for (&i, row) in open.iter().zip(next) {
            arrived += usize::from(rows[i].is_empty() && !row.is_empty());
            rows[i] = row;
        }
        open.retain(|&i| mass(&rows[i]) < f64::from(1.0 - UNDER_WAY));
        if open.is_empty() || (sweep >= MAX_SWEEPS && arrived == 0) {
            break;
        }
    }
    stand_for_someone(&mut rows, landmarks);
    rows.par_iter_mut().for_each(|row| normalise(row));
    Sparse::from_rows(landmarks.len(), &rows)
}

/// Lets landmarks that no walk meets stand at least for themselves.
fn stand_for_someone(rows: &mut [Vec<(u32, f32)>], landmarks: &[u32]) {
    let mut met = vec![0_usize; landmarks.len()];
    for &(j, _) in rows.iter().flatten() {
        met[j as usize] += 1;
    }
    let mut open: Vec<usize> = (0..landmarks.len()).filter(|&j| met[j] == 0).collect();
    while let Some(j) = open.pop() {
        let own = std::mem::replace(&mut rows[landmarks[j] as usize], vec![(j as u32, 1.0)]);
        met[j] += 1;
        for (other, _) in own {
            met[other as usize] -= 1;
            if met[other as usize] == 0 {
                open.push(other as usize);
            }
        }
    }
}

/// Transitions between landmarks: T(i, j) proportional to sum over k of W(k) I(k, i) I(k, j), j other than i.
pub(super) fn next_transitions(influence: &Sparse, weights: &[f64]) -> Sparse {
    let areas = influence.transpose();
    let landmarks = influence.columns();
    let rows: Vec<Vec<(u32, f32)>> = (0..landmarks)
        .into_par_iter()
        .map_init(
            || Accumulator::new(landmarks),
            |sums, i| {
                for (k, share) in areas.pairs(i) {
                    let share = share * weights[k] as f32;
                    for (j, other) in influence.pairs(k).filter(|&(j, _)| j != i) {
                        sums.add(j as u32, share * other);
                    }
                }
                let mut row = sums.take();
                normalise(&mut row);
                row
            },
        )
        .collect();
    Sparse::from_rows(landmarks, &rows)
}

fn mass(row: &[(u32, f32)]) -> f64 {
    row.iter().map(|&(_, share)| f64::from(share)).sum()
}

fn normalise(row: &mut [(u32, f32)]) {
    let total = mass(row);
    if total > 0.0 {
        for (_, share) in row {
            *share = (f64::from(*share) / total) as f32;
        }
    }
}

/// A sparse row under construction.
struct Accumulator {
    sums: Vec<f32>,
    touched: Vec<u32>,
}

impl Accumulator {
    fn new(columns: usize) -> Self {
        Self { sums: vec![0.0; columns], touched: Vec::new() }
    }

    #[inline]
    fn add(&mut self, column: u32, value: f32) {
        let sum = &mut self.sums[column as usize];
        if *sum == 0.0 {
            self.touched.push(column);
        }
        *sum += value;
    }

    /// The row, by column, its negligible entries given to the others; the next row can be begun.
    fn take(&mut self) -> Vec<(u32, f32)> {
        let mut row = Vec::with_capacity(self.touched.len());
        for column in self.touched.drain(..) {
            row.push((column, std::mem::take(&mut self.sums[column as usize])));
        }
        let before = mass(&row);
        let least = NEGLIGIBLE * row.iter().fold(0.0, |largest: f32, entry| largest.max(entry.1));
        row.retain(|entry| entry.1 > 0.0 && entry.1 >= least);
        row.sort_unstable_by_key(|entry| entry.0);
        let scale = before / mass(&row);
        for (_, share) in &mut row {
            *share = (f64::from(*share) * scale) as f32;
        }
        row
    }
}
