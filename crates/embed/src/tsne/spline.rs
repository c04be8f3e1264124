//! Cardinal B-splines: the weights with which a point belongs to the nodes of a grid.

/// Nodes that a point touches along each axis: splines of degree 5.
pub(super) const ORDER: usize = 6;

/// Weights of the `ORDER` nodes from the one at or below a point on, for a point `fraction` in [0, 1) beyond that node, and
/// their derivatives by the fraction. (All weights are shifted by the same number of nodes, which spreading and
/// gathering undo.) The recursion is de Boor's, in the form of Essmann et al., J. Chem. Phys. 103 (1995).
#[inline(always)]
pub(super) fn weights(fraction: f32) -> ([f32; ORDER], [f32; ORDER]) {
    let mut w = [0.0; ORDER];
    w[0] = 1.0 - fraction;
    w[1] = fraction;
    for order in 3..ORDER {
        raise(&mut w, order, fraction);
    }
    let mut derivatives = [0.0; ORDER];
    derivatives[0] = -w[0];
    for k in 1..ORDER {
        derivatives[k] = w[k - 1] - w[k];
    }
    raise(&mut w, ORDER, fraction);
    (w, derivatives)
}

/// Turns the weights of splines of `order` - 1 into those of `order`.
#[inline(always)]
fn raise(w: &mut [f32; ORDER], order: usize, fraction: f32) {
    let scale = 1.0 / (order - 1) as f32;
    w[order - 1] = scale * fraction * w[order - 2];
    for k in (1..order - 1).rev() {
        let (left, right) = (fraction + (order - 1 - k) as f32, k as f32 + 1.0 - fraction);
        w[k] = scale * (left * w[k - 1] + right * w[k]);
    }
    w[0] *= scale * (1.0 - fraction);
}

/// Values of the spline at the nodes inside its support; they are its spectrum's coefficients.
pub(super) const AT_NODES: [f64; ORDER - 1] =
    [1.0 / 120.0, 26.0 / 120.0, 66.0 / 120.0, 26.0 / 120.0, 1.0 / 120.0];

/// Transform of the spline, sampled at its nodes and centred, at `frequency` turns a node.
pub(super) fn transform(frequency: f64) -> f64 {
    let centre = (ORDER as f64 - 2.0) / 2.0;
    let term =
        |(k, value): (usize, &f64)| value * (std::f64::consts::TAU * frequency * (k as f64 - centre)).cos();
    AT_NODES.iter().enumerate().map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The truncated powers whose divided difference the spline is.
    fn spline(x: f64) -> f64 {
        let binomial = [1.0, 6.0, 15.0, 20.0, 15.0, 6.0, 1.0];
        let term = |(k, b): (usize, &f64)| {
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            sign * b * (x - k as f64).max(0.0).powi(5) / 120.0
        };
        binomial.iter().enumerate().map(term).sum()
    }

    #[test]
    fn weights_are_values_of_the_spline_and_its_derivative() {
        for step in 0..50 {
            let fraction = f64::from(step) / 50.0;
            let (w, derivatives) = weights(fraction as f32);
            for k in 0..ORDER {
                let x = fraction + (ORDER - 1 - k) as f64;
                assert!((f64::from(w[k]) - spline(x)).abs() < 1e-6);
                let slope = (spline(x + 1e-5) - spline(x - 1e-5)) / 2e-5;
                assert!((f64::from(derivatives[k]) - slope).abs() < 1e-5);
            }
        }
        for (k, value) in AT_NODES.iter().enumerate() {
            assert!((spline(k as f64 + 1.0) - value).abs() < 1e-12);
        }
        assert!((transform(0.0) - 1.0).abs() < 1e-12);
    }
}
