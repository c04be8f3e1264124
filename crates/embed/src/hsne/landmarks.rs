//! From one scale to the next: which points become landmarks, whom each of them stands for, and how alike they are.

use crate::Sparse;
use crate::random::Random;
use rayon::prelude::*;

/// Steps after which a walk's end counts: enough to leave the neighbourhood, too few for all walks to end in the densest
/// regions and leave the others without landmarks.
const WALK: usize = 15;
/// A landmark ends this many times the walks that an average point does.
const THRESHOLD: f64 = 1.5;
/// Least share of points that become landmarks, where no point stands out.
const LEAST_SHARE: f64 = 0.02;
/// Steps less likely than this do not make a point reachable.
const UNLIKELY: f32 = 1e-4;
/// Walks drawn in all, as far as the bounds for each point allow.
const WALKS: usize = 1_000_000;
const LEAST_WALKS: usize = 16;
const MOST_WALKS: usize = 1000;
/// Steps after which a walk is given up.
const LONGEST: usize = 1000;
/// Entries of a row that are kept: landmarks that stand for a point, and landmarks next to a landmark.
const MOST_LANDMARKS: usize = 32;
const MOST_NEIGHBOURS: usize = 90;
/// Entries below this share of their row's largest go to the others.
const NEGLIGIBLE: f32 = 5e-3;

/// The points that random walks end at most often, in rising order; from every point a walk can reach one of them.
///
/// With u the even distribution over n points, pi = n u T^15 is the expected number of walks, one from each point, that end
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
/// landmark. Rows sum to 1; of long ones the largest entries stand for all.
///
/// The walks of points are drawn ([`first_met`]); the mean over each point's neighbours, I(i, .) = sum over k of T(i, k) (e_k
/// if k is a landmark, else I(k, .)), then takes most of the noise away, as it joins the walks of them all.
pub(super) fn influence(transitions: &Sparse, landmarks: &[u32]) -> Sparse {
    let n = transitions.rows();
    let mut number = vec![None; n];
    for (j, &landmark) in landmarks.iter().enumerate() {
        number[landmark as usize] = Some(j as u32);
    }
    let walks = first_met(transitions, &number);
    // A landmark that no step leaves is met by its own walks only.
    let still = |i: usize| number[i].filter(|_| transitions.row(i).0.is_empty());
    let own = |i: usize| still(i).map_or_else(Vec::new, |j| vec![(j, 1.0)]);
    let mean = |sums: &mut Accumulator, i: usize, rows: &[Vec<(u32, f32)>]| {
        for (k, p) in transitions.pairs(i) {
            match number[k] {
                Some(j) => sums.add(j, p),
                None => rows[k].iter().for_each(|&(j, share)| sums.add(j, p * share)),
            }
        }
        sums.take(MOST_LANDMARKS)
    };
    let mut rows: Vec<Vec<(u32, f32)>> = (0..n)
        .into_par_iter()
        .map_init(
            || Accumulator::new(landmarks.len()),
            |sums, i| if still(i).is_some() { own(i) } else { mean(sums, i, &walks) },
        )
        .collect();
    drop(walks);
    fill(&mut rows, |i, rows| mean(&mut Accumulator::new(landmarks.len()), i, rows));
    stand_for_someone(&mut rows, landmarks);
    rows.par_iter_mut().for_each(|row| normalise(row));
    Sparse::from_rows(landmarks.len(), &rows)
}

/// Gives rows to points of which no walk arrived, neither their own nor a neighbour's: from those that have one, step by
/// step outwards.
fn fill(rows: &mut [Vec<(u32, f32)>], mean: impl Fn(usize, &[Vec<(u32, f32)>]) -> Vec<(u32, f32)>) {
    let mut open: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].is_empty()).collect();
    loop {
        let found: Vec<(usize, Vec<(u32, f32)>)> =
            open.iter().map(|&i| (i, mean(i, rows))).filter(|(_, row)| !row.is_empty()).collect();
        if found.is_empty() {
            break;
        }
        for (i, row) in found {
            rows[i] = row;
        }
        open.retain(|&i| rows[i].is_empty());
    }
}

/// Shares of the walks from each point that is no landmark, by the landmark that they met first; walks that met none do
/// not count. `number` is that of the landmark which a point is.
///
/// Each point has random numbers of its own, so that neither the order of points nor the number of threads matters.
fn first_met(transitions: &Sparse, number: &[Option<u32>]) -> Vec<Vec<(u32, f32)>> {
    let n = transitions.rows();
    let walks = (WALKS / n.max(1)).clamp(LEAST_WALKS, MOST_WALKS);
    let cumulative = Cumulative::new(transitions);
    let from = |i: usize| {
        if number[i].is_some() {
            return Vec::new();
        }
        let mut random = Random::new(0, i as u64);
        let mut met: Vec<u32> = (0..walks)
            .filter_map(|_| {
                let mut place = i;
                for _ in 0..LONGEST {
                    place = cumulative.step(place, random.uniform() as f32)?;
                    if number[place].is_some() {
                        return number[place];
                    }
                }
                None
            })
            .collect();
        met.sort_unstable();
        let share = 1.0 / met.len() as f32;
        met.chunk_by(|a, b| a == b).map(|same| (same[0], share * same.len() as f32)).collect()
    };
    (0..n).into_par_iter().map(from).collect()
}

/// Transitions prepared for walking.
struct Cumulative<'a> {
    transitions: &'a Sparse,
    /// Sums of the values of each row up to each entry.
    sums: Vec<f32>,
}

impl<'a> Cumulative<'a> {
    fn new(transitions: &'a Sparse) -> Self {
        let mut sums = Vec::with_capacity(transitions.entries());
        for i in 0..transitions.rows() {
            sums.extend(transitions.row(i).1.iter().scan(0.0, |sum, &p| {
                *sum += p;
                Some(*sum)
            }));
        }
        Self { transitions, sums }
    }

    /// Where a step from a place leads, for a number in [0, 1); none where no step leaves it.
    #[inline]
    fn step(&self, place: usize, uniform: f32) -> Option<usize> {
        let range = self.transitions.range(place);
        let sums = &self.sums[range.clone()];
        let wanted = uniform * *sums.last()?;
        let entry = sums.partition_point(|&sum| sum <= wanted).min(sums.len() - 1);
        Some(self.transitions.row(place).0[entry] as usize)
    }
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
                let mut row = sums.take(MOST_NEIGHBOURS);
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

    /// The row's `most` largest entries, by column, the negligible ones and the rest given to them; the next row can be begun.
    fn take(&mut self, most: usize) -> Vec<(u32, f32)> {
        let mut row = Vec::with_capacity(self.touched.len());
        for column in self.touched.drain(..) {
            row.push((column, std::mem::take(&mut self.sums[column as usize])));
        }
        let before = mass(&row);
        let least = NEGLIGIBLE * row.iter().fold(0.0, |largest: f32, entry| largest.max(entry.1));
        row.retain(|entry| entry.1 > 0.0 && entry.1 >= least);
        if row.len() > most {
            row.select_nth_unstable_by(most - 1, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            row.truncate(most);
        }
        row.sort_unstable_by_key(|entry| entry.0);
        let scale = before / mass(&row);
        for (_, share) in &mut row {
            *share = (f64::from(*share) * scale) as f32;
        }
        row
    }
}
