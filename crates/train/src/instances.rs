//! What a layer reads and answers at a few positions of an input: the instances of input maps.

use crate::projection::{Projection, WIDTH};
use crate::streams::{Purpose, stream};
use deepeyes_core::{InputId, LayerInstances};
use deepeyes_network::{Conv2d, Graph, Op, Source, Watched};

/// Positions of an input at which a layer is probed.
const POSITIONS: usize = 3;

/// Reads one layer's instances.
#[derive(Debug)]
pub(crate) struct Instances {
    layer: usize,
    seed: u64,
    /// What the layer's own module reads.
    pub(crate) source: Source,
    /// `[channels, height, width]` of that.
    read: [usize; 3],
    /// `None` for a layer that reads all of it.
    convolution: Option<Conv2d>,
    filters: usize,
    grid: [usize; 2],
    /// `None` where receptive fields are narrow.
    projection: Option<Projection>,
}

impl Instances {
    /// For the layer number `layer` that is watched.
    pub(crate) fn new(graph: &Graph, watched: &Watched, layer: usize, seed: u64) -> Self {
        let node = &graph.nodes[watched.node];
        let source = node.inputs[0];
        let shape = graph.shape(source);
        let read = [shape.channels, shape.height, shape.width];
        let convolution = match &node.op {
            Op::Conv2d(convolution) => Some(*convolution),
            _ => None,
        };
        let mut instances = Self {
            layer,
            seed,
            source,
            read,
            convolution,
            filters: watched.filters,
            grid: watched.grid,
            projection: None,
        };
        instances.projection = Projection::new(instances.values(), seed, Purpose::Fields, layer);
        instances
    }

    /// Values of a receptive field, before it is narrowed.
    fn values(&self) -> usize {
        let [channels, height, width] = self.read;
        match &self.convolution {
            Some(Conv2d { kernel: [rows, columns], .. }) => channels * rows * columns,
            None => channels * height * width,
        }
    }

    /// Positions at which an input is probed; rising, the same over the whole run.
    fn positions(&self, input: InputId) -> Vec<usize> {
        let all = self.grid[0] * self.grid[1];
        let mut rng = stream(self.seed, Purpose::Positions, [self.layer as u64, input as u64]);
        let mut drawn = rand::seq::index::sample(&mut rng, all, POSITIONS.min(all)).into_vec();
        drawn.sort_unstable();
        drawn
    }

    /// Appends the instances of one input, at place `place` of the probe: `read` is what the layer reads of it, `output`
    /// what it answers, `[F, height, width]`.
    pub(crate) fn append(
        &self,
        input: InputId,
        place: u32,
        [read, output]: [&[f32]; 2],
        instances: &mut LayerInstances,
    ) {
        let all = self.grid[0] * self.grid[1];
        for position in self.positions(input) {
            instances.inputs.push(place);
            instances.positions.push(position as u32);
            instances.activations.extend((0..self.filters).map(|filter| output[filter * all + position]));
            self.append_field(read, position, &mut instances.fields);
        }
    }

    fn append_field(&self, read: &[f32], position: usize, fields: &mut Vec<f32>) {
        let [_, height, width] = self.read;
        let start = fields.len();
        let narrow = self.projection.as_ref();
        fields.resize(start + narrow.map_or(self.values(), |_| WIDTH), 0.0);
        let field = &mut fields[start..];
        let mut put = |at: usize, value: f32| match narrow {
            Some(projection) => projection.add(at, value, field),
            None => field[at] = value,
        };
        let Some(Conv2d { kernel, stride, padding, dilation, .. }) = &self.convolution else {
            read.iter().enumerate().for_each(|(at, &value)| put(at, value));
            return;
        };
        let position = [position / self.grid[1], position % self.grid[1]];
        let inside = |axis: usize, tap: usize, size: usize| {
            (position[axis] * stride[axis] + tap * dilation[axis])
                .checked_sub(padding[axis])
                .filter(|&at| at < size)
        };
        for (channel, map) in read.chunks_exact(height * width).enumerate() {
            for tap_row in 0..kernel[0] {
                let Some(row) = inside(0, tap_row, height) else { continue };
                for tap_column in 0..kernel[1] {
                    if let Some(column) = inside(1, tap_column, width) {
                        let at = (channel * kernel[0] + tap_row) * kernel[1] + tap_column;
                        put(at, map[row * width + column]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deepeyes_network::{Dense, Layer, Network};

    fn instances(op: Op, input: [usize; 3]) -> Instances {
        let network =
            Network { name: "one".to_owned(), layers: vec![Layer::new("layer", op)], ..Network::default() };
        let graph = network.resolve(input).unwrap();
        Instances::new(&graph, &graph.watched()[0], 0, 7)
    }

    #[test]
    fn a_convolution_is_the_product_of_its_weights_and_fields() {
        let convolution =
            Conv2d { kernel: [3, 2], stride: [2, 1], padding: [1, 1], dilation: [1, 2], ..Conv2d::new(1, 3) };
        let size = [2, 5, 6];
        let reader = instances(Op::Conv2d(convolution), size);
        let values: Vec<f32> = (0..60).map(|at| (at * 37 % 11) as f32 - 5.0).collect();
        let weights: Vec<f32> = (0..12).map(|at| (at * 5 % 7) as f32 - 3.0).collect();
        // A convolution written down by its definition.
        let at = |channel: usize, row: i64, column: i64| {
            let inside = (0..5).contains(&row) && (0..6).contains(&column);
            if inside { values[channel * 30 + row as usize * 6 + column as usize] } else { 0.0 }
        };
        let [rows, columns] = reader.grid;
        let output: Vec<f32> = (0..rows * columns)
            .map(|position| {
                let (y, x) = ((position / columns * 2) as i64 - 1, (position % columns) as i64 - 1);
                let taps = (0..2).flat_map(|c| (0..3).flat_map(move |i| (0..2).map(move |j| (c, i, j))));
                taps.zip(&weights).map(|((c, i, j), weight)| weight * at(c, y + i, x + 2 * j)).sum()
            })
            .collect();
        let mut found = LayerInstances::default();
        for input in 0..20 {
            reader.append(input, input as u32, [&values, &output], &mut found);
        }
        assert_eq!((found.inputs.len(), found.activations.len(), found.fields.len()), (60, 60, 60 * 12));
        for (field, answer) in found.fields.chunks(12).zip(&found.activations) {
            assert_eq!(
                field.iter().zip(&weights).map(|(value, weight)| value * weight).sum::<f32>(),
                *answer
            );
        }
        assert!(found.positions.iter().collect::<std::collections::BTreeSet<_>>().len() > 10);
    }

    #[test]
    fn a_dense_layer_has_one_instance_that_reads_everything() {
        let reader = instances(Op::Dense(Dense { units: 2, bias: true }), [3, 2, 2]);
        let values: Vec<f32> = (0..12).map(|at| at as f32).collect();
        let mut found = LayerInstances::default();
        reader.append(4, 0, [&values, &[0.5, -0.5]], &mut found);
        assert_eq!((&found.positions[..], &found.activations[..]), (&[0][..], &[0.5, -0.5][..]));
        assert_eq!(found.fields, values);
        let wide = instances(Op::Dense(Dense { units: 1, bias: true }), [5, 20, 20]);
        let mut found = LayerInstances::default();
        wide.append(4, 0, [&[1.0; 2000], &[0.5]], &mut found);
        assert_eq!(found.fields.len(), WIDTH);
    }
}
