//! Squared distances from products, with bounds on their rounding errors.

/// Moves the data to its mean and scales it by a power of two, so that products neither cancel needlessly nor overflow.
pub(super) struct Frame {
    centre: Vec<f64>,
    scale: f64,
}

impl Frame {
    pub(super) fn new(points: &[f32], queries: &[f32], dimension: usize) -> Self {
        let mut centre = vec![0.0; dimension];
        for row in points.chunks_exact(dimension) {
            for (sum, &value) in centre.iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        let n = (points.len() / dimension) as f64;
        for sum in &mut centre {
            *sum /= n;
        }
        let largest = |values: &[f32]| {
            let rows = values.chunks_exact(dimension);
            let differences =
                rows.flat_map(|row| row.iter().zip(&centre).map(|(&x, c)| (f64::from(x) - c).abs()));
            differences.fold(0.0, f64::max)
        };
        let largest = largest(points).max(largest(queries));
        let scale = if largest > 0.0 { (-largest.log2().ceil()).exp2() } else { 1.0 };
        Self { centre, scale }
    }

    pub(super) fn place(&self, values: &[f32]) -> Vec<f32> {
        let mut placed = vec![0.0; values.len()];
        let dimension = self.centre.len();
        for (row, placed) in values.chunks_exact(dimension).zip(placed.chunks_exact_mut(dimension)) {
            self.place_row(row, placed);
        }
        placed
    }

    pub(super) fn place_row(&self, row: &[f32], placed: &mut [f32]) {
        for ((&x, c), placed) in row.iter().zip(&self.centre).zip(placed) {
            *placed = ((f64::from(x) - c) * self.scale) as f32;
        }
    }
}

/// Lower and upper bounds on what the norms of rows add to a squared distance, rounding errors of the product with any
/// other row included (half of them are charged to either row, as |x||y| <= (|x|^2 + |y|^2) / 2).
pub(super) struct Bounds {
    pub(super) low: Vec<f32>,
    pub(super) high: Vec<f32>,
}

impl Bounds {
    pub(super) fn new(values: &[f32], dimension: usize) -> Self {
        values.chunks_exact(dimension).map(bounds).collect()
    }

    /// Those of rows that are placed one at a time, so that they are held once only.
    pub(super) fn placed(frame: &Frame, values: &[f32], dimension: usize) -> Self {
        let mut placed = vec![0.0; dimension];
        let rows = values.chunks_exact(dimension).map(|row| {
            frame.place_row(row, &mut placed);
            bounds(&placed)
        });
        rows.collect()
    }

    /// The bounds of rows in another order.
    pub(super) fn in_order(&self, order: &[u32]) -> Self {
        let ordered = |bounds: &[f32]| order.iter().map(|&row| bounds[row as usize]).collect();
        Self { low: ordered(&self.low), high: ordered(&self.high) }
    }
}

impl FromIterator<(f32, f32)> for Bounds {
    fn from_iter<I: IntoIterator<Item = (f32, f32)>>(bounds: I) -> Self {
        let (low, high) = bounds.into_iter().unzip();
        Self { low, high }
    }
}

fn bounds(row: &[f32]) -> (f32, f32) {
    let dimension = row.len() as f64;
    let square = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    let error =
        (dimension + 16.0) * f64::from(f32::EPSILON) * square + dimension * f64::from(f32::MIN_POSITIVE);
    ((square - error) as f32, (square + error) as f32)
}
