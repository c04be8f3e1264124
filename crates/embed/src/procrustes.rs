//! Orthogonal Procrustes alignment in the plane: a map means the same however it is turned or mirrored, but the eye takes
//! a turn for a change.

use crate::EmbedError;

/// A motion of the plane: `y = R (x - from) + to` with R a rotation, or a rotation after a reflection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// R, row by row.
    pub rotation: [[f64; 2]; 2],
    /// The point that is moved to `to`.
    pub from: [f64; 2],
    /// Where it is moved.
    pub to: [f64; 2],
}

impl Motion {
    /// Where a point comes to lie.
    pub fn apply(&self, point: [f32; 2]) -> [f32; 2] {
        let [x, y] = [0, 1].map(|axis| f64::from(point[axis]) - self.from[axis]);
        [0, 1].map(|axis| (self.rotation[axis][0] * x + self.rotation[axis][1] * y + self.to[axis]) as f32)
    }
}

/// The motion of `moving` that brings it nearest to `fixed` in the sense of least squares; points correspond by index.
/// Where turning and mirroring are equally good, it turns; where any turn is (fewer than two distinct points), it only
/// shifts.
///
/// With centred a (moving) and b (fixed), the best rotation has the angle atan2(sum a x b, sum a . b) and the gain
/// |(sum a . b, sum a x b)|; the best reflection is the same for mirrored a (Schönemann, Psychometrika 31, 1966, in two
/// dimensions).
///
/// # Errors
/// Where the maps differ in length.
pub fn align(moving: &[[f32; 2]], fixed: &[[f32; 2]]) -> Result<Motion, EmbedError> {
    EmbedError::unless_equal("points of the fixed map", fixed.len(), moving.len())?;
    let (from, to) = (mean(moving), mean(fixed));
    // Sums of products of coordinates: p[r][c] = sum a_r b_c.
    let mut p = [[0.0; 2]; 2];
    for (a, b) in moving.iter().zip(fixed) {
        for (r, sums) in p.iter_mut().enumerate() {
            for (c, sum) in sums.iter_mut().enumerate() {
                *sum += (f64::from(a[r]) - from[r]) * (f64::from(b[c]) - to[c]);
            }
        }
    }
    let turned = (p[0][0] + p[1][1], p[0][1] - p[1][0]);
    let mirrored = (p[0][0] - p[1][1], p[0][1] + p[1][0]);
    let (gain, mirrored_gain) = (turned.0.hypot(turned.1), mirrored.0.hypot(mirrored.1));
    let rotation = if mirrored_gain > gain * (1.0 + 1e-12) {
        let (cosine, sine) = (mirrored.0 / mirrored_gain, mirrored.1 / mirrored_gain);
        [[cosine, sine], [sine, -cosine]]
    } else if gain > 0.0 {
        let (cosine, sine) = (turned.0 / gain, turned.1 / gain);
        [[cosine, -sine], [sine, cosine]]
    } else {
        [[1.0, 0.0], [0.0, 1.0]]
    };
    Ok(Motion { rotation, from, to })
}

fn mean(map: &[[f32; 2]]) -> [f64; 2] {
    let n = map.len().max(1) as f64;
    [0, 1].map(|axis| map.iter().map(|point| f64::from(point[axis])).sum::<f64>() / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn residual(motion: &Motion, moving: &[[f32; 2]], fixed: &[[f32; 2]]) -> f64 {
        let square = |(a, b): (&[f32; 2], &[f32; 2])| {
            let a = motion.apply(*a);
            f64::from(a[0] - b[0]).powi(2) + f64::from(a[1] - b[1]).powi(2)
        };
        moving.iter().zip(fixed).map(square).sum()
    }

    prop_compose! {
        fn maps()(n in 2..30_usize, raw in proptest::collection::vec(-5.0..5.0_f32, 120)) -> [Vec<[f32; 2]>; 2] {
            [0, 60].map(|start| (0..n).map(|i| [raw[start + 2 * i], raw[start + 2 * i + 1]]).collect())
        }
    }

    proptest! {
        #[test]
        fn undoes_a_motion([map, _] in maps(), angle in 0.0..6.3_f64, mirror in any::<bool>(), shift in -9.0..9.0_f64) {
            let sign = if mirror { -1.0 } else { 1.0 };
            let rotation = [[angle.cos(), -sign * angle.sin()], [angle.sin(), sign * angle.cos()]];
            let motion = Motion { rotation, from: [0.0, 0.0], to: [shift, 1.0] };
            let moved: Vec<_> = map.iter().map(|&point| motion.apply(point)).collect();
            let back = align(&moved, &map).unwrap();
            prop_assert!(residual(&back, &moved, &map) < 1e-6);
        }

        #[test]
        fn no_other_turn_is_better([moving, fixed] in maps()) {
            let best = align(&moving, &fixed).unwrap();
            let least = residual(&best, &moving, &fixed);
            for step in 0..72 {
                let angle = f64::from(step) * std::f64::consts::PI / 36.0;
                for sign in [1.0, -1.0] {
                    let rotation = [[angle.cos(), -sign * angle.sin()], [angle.sin(), sign * angle.cos()]];
                    let other = Motion { rotation, ..best };
                    prop_assert!(residual(&other, &moving, &fixed) >= least - 1e-3);
                }
            }
        }
    }

    #[test]
    fn what_has_no_direction_is_only_shifted() {
        let motion = align(&[[1.0, 1.0]], &[[4.0, 0.0]]).unwrap();
        assert_eq!(motion.rotation, [[1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(motion.apply([1.0, 2.0]), [4.0, 1.0]);
        assert!(align(&[], &[]).is_ok());
        assert!(matches!(align(&[[0.0; 2]], &[]), Err(EmbedError::Length { .. })));
    }
}
