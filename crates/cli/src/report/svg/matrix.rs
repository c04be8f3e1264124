//! Filter similarity as a picture, alike filters side by side.

use super::Svg;
use crate::report::raster::Raster;
use deepeyes_core::{FilterStatistics, Similarity};
use kodama::{Method, linkage};

/// Pixels of the picture's side at most: wider layers are averaged.
const MOST_PIXELS: usize = 256;
const SIDE: f64 = 184.0;
/// Width of the strip of label colours beside the matrix, and its gap.
const STRIP: f64 = 5.0;
const GAP: f64 = 3.0;

/// The figure; `mask` is an id that is unique on the page.
pub(crate) fn draw(similarity: &Similarity, filters: &[FilterStatistics], mask: &str) -> String {
    let order = clustered(similarity);
    let n = order.len().max(1);
    let start = STRIP + GAP;
    let title = format!(
        "Similarity of {} filters, ordered by clusters; the most alike pair {:.2}",
        order.len(),
        most(similarity)
    );
    let mut svg = Svg::new(start + SIDE, start + SIDE + 26.0, title);
    svg.rect("ground", [start, start, SIDE, SIDE]);
    svg.raw(&format!(
        r#"<mask id="{mask}"><image class="pixels" x="{start}" y="{start}" width="{SIDE}" height="{SIDE}" preserveAspectRatio="none" href="{}"/></mask><rect class="ramp" mask="url(#{mask})" x="{start}" y="{start}" width="{SIDE}" height="{SIDE}"/>"#,
        picture(similarity, &order).data_uri()
    ));
    // Neighbours of one label share a strip.
    let step = SIDE / n as f64;
    let mut place = 0;
    while place < order.len() {
        let label = filters.get(order[place]).and_then(|filter| filter.label);
        let alike =
            order[place..].iter().take_while(|&&f| filters.get(f).and_then(|f| f.label) == label).count();
        if let Some(label) = label {
            let (from, length) = (start + step * place as f64, step * alike as f64);
            let class = label_class(label);
            svg.rect(class, [from, 0.0, length, STRIP]);
            svg.rect(class, [0.0, from, STRIP, length]);
        }
        place += alike;
    }
    let y = start + SIDE + 8.0;
    svg.text("tick", [start, y + 10.0], "0");
    svg.rect("ground", [start + 14.0, y + 3.0, 84.0, 7.0]);
    for step in 0..28 {
        svg.raw(&format!(
            r#"<rect class="ramp" fill-opacity="{:.2}" x="{}" y="{}" width="3" height="7"/>"#,
            (f64::from(step) + 0.5) / 28.0,
            start + 14.0 + 3.0 * f64::from(step),
            y + 3.0
        ));
    }
    svg.text("tick", [start + 104.0, y + 10.0], "1 = answer alike");
    svg.finish()
}

/// The style class of a label's colour; beyond ten labels all look the same.
pub(crate) fn label_class(label: usize) -> &'static str {
    const CLASSES: [&str; 10] = ["l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8", "l9"];
    CLASSES.get(label).copied().unwrap_or("lx")
}

/// Filters in the order of the leaves of an average-linkage clustering of 1 - phi.
fn clustered(similarity: &Similarity) -> Vec<usize> {
    let n = similarity.filters;
    if n < 3 || similarity.upper.len() != n * (n - 1) / 2 {
        return (0..n).collect();
    }
    let mut distance: Vec<f32> =
        similarity.upper.iter().map(|phi| if phi.is_finite() { 1.0 - phi } else { 1.0 }).collect();
    let tree = linkage(&mut distance, n, Method::Average);
    // Clusters made earlier have smaller numbers, so a stack visits the leaves without recursion.
    let mut order = Vec::with_capacity(n);
    let mut stack = vec![2 * n - 2];
    while let Some(cluster) = stack.pop() {
        match cluster.checked_sub(n) {
            None => order.push(cluster),
            Some(step) => stack.extend([tree[step].cluster2, tree[step].cluster1]),
        }
    }
    order
}

fn picture(similarity: &Similarity, order: &[usize]) -> Raster {
    let n = order.len();
    let side = n.min(MOST_PIXELS);
    let block = |pixel: usize| pixel * n / side..(pixel + 1) * n / side;
    let mut pixels = Vec::with_capacity(side * side);
    for row in 0..side {
        for column in 0..side {
            let pairs = block(row).flat_map(|i| block(column).map(move |j| (i, j)));
            let (sum, count) = pairs.fold((0.0, 0u32), |(sum, count), (i, j)| {
                (sum + f64::from(similarity.get(order[i], order[j])), count + 1)
            });
            pixels.push((sum / f64::from(count.max(1)) * 255.0).round() as u8);
        }
    }
    Raster { width: side, height: side, channels: 1, pixels }
}

fn most(similarity: &Similarity) -> f32 {
    similarity.upper.iter().copied().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_filters_end_up_side_by_side() {
        // 0 ~ 3 and 1 ~ 2, everything else apart.
        let similarity = Similarity { filters: 4, upper: vec![0.0, 0.1, 0.9, 0.9, 0.0, 0.0] };
        let order = clustered(&similarity);
        let place = |filter: usize| order.iter().position(|&f| f == filter).unwrap();
        assert_eq!(place(0).abs_diff(place(3)), 1);
        assert_eq!(place(1).abs_diff(place(2)), 1);
    }

    #[test]
    fn the_order_is_a_permutation_and_the_picture_bounded() {
        for n in [0, 1, 2, 3, 600] {
            let upper =
                (0..n * usize::saturating_sub(n, 1) / 2).map(|i| (i * 37 % 100) as f32 / 100.0).collect();
            let similarity = Similarity { filters: n, upper };
            let mut order = clustered(&similarity);
            let picture = picture(&similarity, &order);
            assert!(picture.width <= MOST_PIXELS && picture.pixels.len() == picture.width * picture.height);
            order.sort_unstable();
            assert_eq!(order, (0..n).collect::<Vec<_>>());
        }
    }
}
