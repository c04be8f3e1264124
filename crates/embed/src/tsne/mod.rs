//! t-SNE (van der Maaten & Hinton, "Visualizing data using t-SNE", JMLR 9, 2008) as an object that takes one step at a
//! time.
//!
//! The map minimises KL(P || Q) with q_ij = k_ij / Z, k_ij = 1 / (1 + |y_i - y_j|^2), Z = sum k. The gradient is
//! 4 (sum_j p_ij k_ij (y_i - y_j) - 1/Z sum_j k_ij^2 (y_i - y_j)): an attraction over the sparse P, and a repulsion over
//! all pairs, which is summed directly for up to a few thousand points and interpolated on a grid above.
//! Defaults are those that work today: a start from principal components, exaggeration 12 for 250 steps, a learning rate
//! in proportion to n / exaggeration (Belkina et al., Nature Communications 10, 2019), adaptive gains (Jacobs 1988), bounded
//! steps. Twice that rate, and momentum 0.9 in the second phase, reach a lower divergence in as many steps.

mod convolution;
mod exact;
mod grid;
mod refresh;
mod spline;

use crate::random::Random;
use crate::{Affinities, EmbedError, Points, pca_map, quality};
use grid::Grid;
use rayon::prelude::*;
use refresh::{Anchors, SETTLING_EXAGGERATION};

/// Points up to which repulsion is summed over all pairs.
const EXACT: usize = 2500;
/// Standard deviation of the start along its longer axis.
const START: f64 = 1e-4;
const MIN_GAIN: f32 = 0.01;

/// How a t-SNE map is optimised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TsneConfig {
    /// How many neighbours each point effectively has; lowered where there are too few points.
    pub perplexity: f64,
    /// What P is multiplied by in the first phase, so that clusters find each other.
    pub exaggeration: f32,
    /// Steps of the first phase.
    pub exaggerated_iterations: usize,
    /// Steps in all, after which the map counts as finished.
    pub iterations: usize,
    /// Share of the last step that is taken again, in the first phase.
    pub momentum: f32,
    /// The same, afterwards.
    pub final_momentum: f32,
    /// Learning rate in units of n / exaggeration.
    pub rate: f32,
    /// Largest step of a point.
    pub max_step: f32,
    /// Seed of the noise that keeps equal points of the start apart.
    pub seed: u64,
}

impl Default for TsneConfig {
    fn default() -> Self {
        Self {
            perplexity: 30.0,
            exaggeration: 12.0,
            exaggerated_iterations: 250,
            iterations: 750,
            momentum: 0.8,
            final_momentum: 0.9,
            rate: 2.0,
            max_step: 5.0,
            seed: 0,
        }
    }
}

impl TsneConfig {
    fn check(&self) -> Result<(), EmbedError> {
        let positive =
            [("exaggeration", self.exaggeration), ("rate", self.rate), ("max_step", self.max_step)];
        for (name, value) in positive {
            if !(value > 0.0 && value.is_finite()) {
                let expected = "finite and above 0";
                return Err(EmbedError::Parameter { name, value: f64::from(value), expected });
            }
        }
        for (name, value) in [("momentum", self.momentum), ("final_momentum", self.final_momentum)] {
            if !(0.0..1.0).contains(&value) {
                let expected = "at least 0 and below 1";
                return Err(EmbedError::Parameter { name, value: f64::from(value), expected });
            }
        }
        Ok(())
    }
}

/// Where an optimisation stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TsneReport {
    /// Points of the map.
    pub points: usize,
    /// Steps so far.
    pub iteration: usize,
    /// What P is multiplied by now.
    pub exaggeration: f32,
    /// Root mean square of the last step, as a share of the map's radius; 0 before the first.
    pub movement: f64,
    /// Whether all steps of the configuration are done.
    pub finished: bool,
}

/// Forces sum_j k_ij^2 (y_i - y_j) and the total Z of the kernel over ordered pairs.
struct Repulsion {
    forces: Vec<[f32; 2]>,
    total: f64,
}

/// A t-SNE map that is being optimised.
pub struct Tsne {
    affinities: Affinities,
    config: TsneConfig,
    start: Vec<[f32; 2]>,
    map: Vec<[f32; 2]>,
    velocity: Vec<[f32; 2]>,
    gains: Vec<[f32; 2]>,
    iteration: usize,
    exaggeration: f32,
    movement: f64,
    anchors: Option<Anchors>,
    grid: Grid,
}

impl Tsne {
    /// Starts from a map of any scale, which is shrunk to a standard deviation of 1e-4.
    ///
    /// # Errors
    /// Where the map has another number of points than the affinities or a coordinate that is not finite, or where the
    /// configuration is out of range.
    pub fn new(affinities: Affinities, start: &[[f32; 2]], config: TsneConfig) -> Result<Self, EmbedError> {
        config.check()?;
        EmbedError::unless_equal("points of the start", start.len(), affinities.len())?;
        Points::of_map(start)?;
        let start = shrunk(start, config.seed);
        let n = start.len();
        Ok(Self {
            affinities,
            config,
            map: start.clone(),
            start,
            velocity: vec![[0.0; 2]; n],
            gains: vec![[1.0; 2]; n],
            iteration: 0,
            exaggeration: first_exaggeration(&config),
            movement: 0.0,
            anchors: None,
            grid: Grid::default(),
        })
    }

    /// A map whose optimisation is done, which [`Self::replace`] goes on from.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn finished(
        affinities: Affinities,
        map: &[[f32; 2]],
        config: TsneConfig,
    ) -> Result<Self, EmbedError> {
        let start = Self::new(affinities, map, config)?;
        Ok(Self { map: map.to_vec(), iteration: config.iterations, exaggeration: 1.0, ..start })
    }

    /// Computes the affinities of points ([`Affinities::of_points`]) and starts from principal components.
    ///
    /// # Errors
    /// Where there are no points, or the configuration is out of range.
    pub fn from_points(points: &Points<'_>, config: TsneConfig) -> Result<Self, EmbedError> {
        let affinities = Affinities::of_points(points, config.perplexity)?;
        Self::new(affinities, &pca_map(points)?, config)
    }

    /// Back to the start.
    pub fn reset(&mut self) {
        self.map.clone_from(&self.start);
        self.velocity.fill([0.0; 2]);
        self.gains.fill([1.0; 2]);
        self.iteration = 0;
        self.exaggeration = first_exaggeration(&self.config);
        self.movement = 0.0;
        self.anchors = None;
    }

    /// One step down the gradient.
    pub fn step(&mut self) {
        let gradient = self.gradient();
        let n = self.map.len();
        // The gradient's factor 4 is not part of the customary learning rate.
        let rate = self.config.rate * n as f32 / self.exaggeration / 4.0;
        let TsneConfig { max_step, exaggerated_iterations, .. } = self.config;
        let is_young = self.iteration < exaggerated_iterations;
        let momentum = if is_young { self.config.momentum } else { self.config.final_momentum };
        let anchors = self.anchors.as_ref();
        let squares: Vec<f32> = (
            self.map.par_iter_mut(),
            self.velocity.par_iter_mut(),
            self.gains.par_iter_mut(),
            gradient.par_iter(),
        )
            .into_par_iter()
            .enumerate()
            .map(|(i, (point, velocity, gains, gradient))| {
                if anchors.is_some_and(|anchors| anchors.holds(i)) {
                    return 0.0;
                }
                for axis in 0..2 {
                    let onwards = (gradient[axis] > 0.0) != (velocity[axis] > 0.0);
                    let gain = if onwards { gains[axis] + 0.2 } else { gains[axis] * 0.8 };
                    gains[axis] = gain.max(MIN_GAIN);
                    velocity[axis] = momentum * velocity[axis] - rate * gains[axis] * gradient[axis];
                }
                let length = velocity[0].hypot(velocity[1]);
                if length > max_step {
                    *velocity = velocity.map(|v| v * (max_step / length));
                }
                *point = [point[0] + velocity[0], point[1] + velocity[1]];
                velocity[0] * velocity[0] + velocity[1] * velocity[1]
            })
            .collect();
        let square = squares.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
        if let Some(anchors) = &mut self.anchors {
            anchors.advance();
        } else {
            centre(&mut self.map);
        }
        let radius = quality::radius(&self.map);
        self.movement = if radius > 0.0 { square.sqrt() / radius } else { 0.0 };
        self.iteration += 1;
        if self.iteration == self.config.exaggerated_iterations {
            self.exaggeration = 1.0;
        }
    }

    /// Steps until all are done or the caller, asked before each, says no.
    pub fn run_while(&mut self, mut go_on: impl FnMut(&TsneReport) -> bool) {
        while self.iteration < self.config.iterations && go_on(&self.report()) {
            self.step();
        }
    }

    /// Multiplies P from now on, until the first phase ends by itself or this is called again; values that are not finite
    /// and above 0 change nothing.
    pub fn set_exaggeration(&mut self, exaggeration: f32) {
        if exaggeration > 0.0 && exaggeration.is_finite() {
            self.exaggeration = exaggeration;
        }
    }

    /// Where the optimisation stands.
    pub fn report(&self) -> TsneReport {
        TsneReport {
            points: self.map.len(),
            iteration: self.iteration,
            exaggeration: self.exaggeration,
            movement: self.movement,
            finished: self.iteration >= self.config.iterations,
        }
    }

    /// The map, `[n]`.
    pub fn map(&self) -> &[[f32; 2]] {
        &self.map
    }

    /// The affinities that the map follows.
    pub fn affinities(&self) -> &Affinities {
        &self.affinities
    }

    /// KL(P || Q) of the map; P without exaggeration. Takes as long as the repulsion of a step.
    pub fn kl_divergence(&mut self) -> f64 {
        let total = self.repulsion().total;
        divergence(&self.affinities, &self.map, total)
    }

    fn repulsion(&mut self) -> Repulsion {
        if self.map.len() <= EXACT { exact::repulsion(&self.map) } else { self.grid.repulsion(&self.map) }
    }

    /// Gradient of KL(exaggeration P || Q), anchors included.
    fn gradient(&mut self) -> Vec<[f32; 2]> {
        let Repulsion { forces, total } = self.repulsion();
        let inverse = if total > 0.0 { (1.0 / total) as f32 } else { 0.0 };
        let (joint, map, anchors) = (self.affinities.joint(), &self.map, self.anchors.as_ref());
        let settling = anchors.is_some_and(Anchors::is_settling);
        let exaggeration =
            if settling { self.exaggeration * SETTLING_EXAGGERATION } else { self.exaggeration };
        let one = |(i, force): (usize, &[f32; 2])| {
            let attraction = attraction(joint.row(i), map, map[i]);
            let mut gradient =
                [0, 1].map(|axis| 4.0 * (exaggeration * attraction[axis] - force[axis] * inverse));
            if let Some(anchors) = anchors {
                let pull = anchors.pull(i, map[i]);
                gradient = [gradient[0] + pull[0], gradient[1] + pull[1]];
            }
            gradient
        };
        forces.par_iter().enumerate().with_min_len(64).map(one).collect()
    }
}

/// KL(P || Q) of a map, with Z summed over all pairs: the judge of maps however they were made.
///
/// # Errors
/// Where the map has another number of points than the affinities.
pub fn kl_divergence(affinities: &Affinities, map: &[[f32; 2]]) -> Result<f64, EmbedError> {
    EmbedError::unless_equal("points of the map", map.len(), affinities.len())?;
    Ok(divergence(affinities, map, exact::repulsion(map).total))
}

/// sum p ln p + sum p ln(1 + d^2) + ln Z, with sum p = 1; 0 where there is no pair.
fn divergence(affinities: &Affinities, map: &[[f32; 2]], total: f64) -> f64 {
    let joint = affinities.joint();
    let term = |i: usize| -> f64 {
        let pair = |(j, p): (usize, f32)| {
            let p = f64::from(p);
            let [x, y] = [0, 1].map(|axis| f64::from(map[i][axis]) - f64::from(map[j][axis]));
            if p > 0.0 { p * (p.ln() + (x * x + y * y).ln_1p()) } else { 0.0 }
        };
        joint.pairs(i).map(pair).sum()
    };
    let rows: Vec<f64> = (0..map.len()).into_par_iter().map(term).collect();
    if total > 0.0 { rows.iter().sum::<f64>() + total.ln() } else { 0.0 }
}

#[inline(always)]
fn attraction((columns, values): (&[u32], &[f32]), map: &[[f32; 2]], point: [f32; 2]) -> [f32; 2] {
    let mut sum = [0.0; 2];
    for (&j, &p) in columns.iter().zip(values) {
        let other = map[j as usize];
        let (x, y) = (point[0] - other[0], point[1] - other[1]);
        let weight = p / (1.0 + x * x + y * y);
        sum = [sum[0] + weight * x, sum[1] + weight * y];
    }
    sum
}

fn first_exaggeration(config: &TsneConfig) -> f32 {
    if config.exaggerated_iterations > 0 { config.exaggeration } else { 1.0 }
}

fn centre(map: &mut [[f32; 2]]) {
    let n = map.len() as f64;
    let mean = [0, 1].map(|axis| (map.iter().map(|point| f64::from(point[axis])).sum::<f64>() / n) as f32);
    for point in map {
        *point = [point[0] - mean[0], point[1] - mean[1]];
    }
}

/// A map scaled to a standard deviation of [`START`] along its longer axis; equal points are set apart by a hundredth of
/// that.
fn shrunk(map: &[[f32; 2]], seed: u64) -> Vec<[f32; 2]> {
    let n = map.len() as f64;
    let mean = [0, 1].map(|axis| map.iter().map(|point| f64::from(point[axis])).sum::<f64>() / n);
    let deviation = |axis: usize| {
        (map.iter().map(|point| (f64::from(point[axis]) - mean[axis]).powi(2)).sum::<f64>() / n).sqrt()
    };
    let largest = deviation(0).max(deviation(1));
    let (scale, noise) = if largest > 0.0 { (START / largest, START / 100.0) } else { (0.0, START) };
    let place = |(i, point): (usize, &[f32; 2])| {
        let mut random = Random::new(seed, i as u64);
        [0, 1].map(|axis| ((f64::from(point[axis]) - mean[axis]) * scale + noise * random.symmetric()) as f32)
    };
    map.iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests;
