//! The training at a glance: loss, accuracy, and a lane for each layer's change, on one time axis.

use super::Svg;
use super::scale::{Linear, log_ticks, ticks};
use crate::numbers::{grouped, percent, short};
use crate::report::text::shortened;
use crate::run_view::{CoursePoint, LayerView, RunView};

const WIDTH: f64 = 856.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = WIDTH - 132.0;
const LOSS: [f64; 2] = [10.0, 128.0];
const ACCURACY: [f64; 2] = [150.0, 244.0];
const LANES: f64 = 262.0;
/// Above this change of the histogram (total variation) a lane is darkest.
const DARKEST_CHANGE: f64 = 0.5;
/// Above this many points a raw curve is reduced to the extremes of each pixel column.
const MOST_POINTS: usize = 1400;

/// The figure for a run.
pub(crate) fn draw(run: &RunView) -> String {
    let pitch = if run.layers.len() > 8 { 11.0 } else { 16.0 };
    let lanes = LANES + pitch * run.layers.len() as f64;
    let mut svg = Svg::new(WIDTH, lanes + 24.0, describe(run));
    let last = run.scalars.step.last().copied().unwrap_or(run.step).max(1);
    let time = Linear { from: 0.0, to: last as f64, start: LEFT, end: RIGHT };
    for mark in ticks(0.0, last as f64, 8) {
        svg.line("grid", [time.at(mark), LOSS[0], time.at(mark), lanes + 4.0]);
        let crowded = (time.at(mark) - RIGHT).abs() < 34.0 && mark < last as f64;
        if !crowded {
            svg.text("mid", [time.at(mark), lanes + 18.0], &grouped(mark as u64));
        }
    }
    svg.text("mid strong", [RIGHT, lanes + 18.0], &grouped(last));
    draw_loss(&mut svg, run, &time);
    draw_accuracy(&mut svg, run, &time);
    for (place, layer) in run.layers.iter().enumerate() {
        draw_lane(&mut svg, layer, &time, LANES + pitch * place as f64, pitch - 4.0);
    }
    svg.line("axis", [LEFT, lanes + 4.5, RIGHT, lanes + 4.5]);
    svg.finish()
}

fn draw_loss(svg: &mut Svg, run: &RunView, time: &Linear) {
    let losses: Vec<[f64; 2]> = finite(&run.scalars.step, run.scalars.loss.iter().map(|&loss| Some(loss)));
    let mut sorted: Vec<f64> = losses.iter().map(|point| point[1]).filter(|&loss| loss > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(&low), Some(&high)) = (sorted.get(sorted.len() / 50), sorted.last()) else {
        svg.text("note", [LEFT, f64::midpoint(LOSS[0], LOSS[1])], "No loss was recorded.");
        return;
    };
    let (low, high) = (low * 0.9, (high * 1.1).max(low * 1.5));
    let axis = Linear { from: low.ln(), to: high.ln(), start: LOSS[1], end: LOSS[0] };
    for mark in log_ticks(low, high) {
        gridline(svg, axis.at(mark.ln()), &short(mark));
    }
    let place = |[step, loss]: [f64; 2]| [time.at(step), axis.at(loss.clamp(low, high).ln())];
    let smooth = moving_average(&losses);
    svg.polyline("thin", &reduced(losses).into_iter().map(place).collect::<Vec<_>>());
    svg.polyline("thick", &reduced(smooth.clone()).into_iter().map(place).collect::<Vec<_>>());
    if let Some(end) = smooth.last() {
        label(svg, place(*end)[1], "strong", &format!("Loss {}", short(end[1])));
    }
}

fn draw_accuracy(svg: &mut Svg, run: &RunView, time: &Linear) {
    let measured = finite(&run.scalars.step, run.scalars.accuracy.iter().copied());
    let training = moving_average(&finite(&run.scalars.step, run.scalars.train_accuracy.iter().copied()));
    let best = measured.iter().chain(&training).map(|point| point[1]).fold(0.0, f64::max);
    if measured.is_empty() && training.is_empty() {
        svg.text("note", [LEFT, f64::midpoint(ACCURACY[0], ACCURACY[1])], "No accuracy was measured.");
        return;
    }
    // A logarithmic axis of the error: the last percent is as tall as the first ones.
    let floor = ((1.0 - best) * 0.8).clamp(1e-4, 0.4);
    let worst =
        measured.iter().chain(&training).map(|point| 1.0 - point[1]).fold(floor * 1.5, f64::max).min(1.0);
    let axis = Linear { from: worst.ln(), to: floor.ln(), start: ACCURACY[1], end: ACCURACY[0] };
    let mut lowest = f64::INFINITY;
    for accuracy in [0.0_f64, 0.1, 0.5, 0.8, 0.9, 0.97, 0.99, 0.997, 0.999] {
        let y = axis.at((1.0 - accuracy).ln());
        if (ACCURACY[0] - 0.5..=ACCURACY[1] + 0.5).contains(&y) && lowest - y > 13.0 {
            lowest = y;
            gridline(svg, y, &format!("{} %", short(accuracy * 100.0)));
        }
    }
    let place =
        |[step, accuracy]: [f64; 2]| [time.at(step), axis.at((1.0 - accuracy).clamp(floor, worst).ln())];
    svg.polyline("soft", &reduced(training.clone()).into_iter().map(place).collect::<Vec<_>>());
    let points: Vec<[f64; 2]> = measured.iter().copied().map(place).collect();
    svg.polyline("thick", &points);
    if points.len() <= 60 {
        for point in &points {
            svg.circle("dot", *point, 2.2);
        }
    }
    let mut ends = Vec::new();
    if let Some(&end) = measured.last() {
        ends.push((place(end)[1], "strong", format!("Validation {}", percent(end[1]))));
    }
    if let Some(&end) = training.last() {
        ends.push((place(end)[1], "tick", format!("Training {}", percent(end[1]))));
    }
    if let [first, second] = &mut ends[..] {
        let gap = 14.0 - (second.0 - first.0).abs();
        if gap > 0.0 {
            let up = if second.0 < first.0 { 1.0 } else { -1.0 };
            (first.0, second.0) = (first.0 + up * gap / 2.0, second.0 - up * gap / 2.0);
        }
    }
    for (y, class, text) in ends {
        label(svg, y, class, &text);
    }
}

fn draw_lane(svg: &mut Svg, layer: &LayerView, time: &Linear, y: f64, height: f64) {
    svg.text("end", [LEFT - 8.0, y + height / 2.0 + 3.5], &shortened(&layer.spec.name, 10));
    let mut stable: Option<f64> = None;
    for point in &layer.course {
        let (from, to) = (time.at(point.from.saturating_sub(1) as f64), time.at(point.to as f64));
        let level = (change(point) / DARKEST_CHANGE).min(1.0).powf(0.85);
        svg.raw(&format!(
            r#"<rect class="lane" x="{:.1}" y="{y:.1}" width="{:.1}" height="{height:.1}" fill-opacity="{level:.2}"/>"#,
            from,
            (to - from - if to - from > 4.0 { 0.6 } else { 0.0 }).max(0.3)
        ));
        match (point.stable, stable) {
            (true, None) => stable = Some(to),
            (false, Some(since)) => {
                draw_stable(svg, since, from, y + height / 2.0);
                stable = None;
            }
            _ => {}
        }
    }
    if let Some(since) = stable {
        draw_stable(
            svg,
            since,
            layer.course.last().map_or(since, |point| time.at(point.to as f64)),
            y + height / 2.0,
        );
    }
    let (class, words) = match layer.snapshot.as_ref() {
        None => ("tick", "no window yet".to_owned()),
        Some(snapshot) if snapshot.stable => match snapshot.stable_since {
            Some(since) => ("stable-text", format!("stable since {}", grouped(since))),
            None => ("stable-text", "stable".to_owned()),
        },
        Some(_) => ("tick", "changing".to_owned()),
    };
    svg.text(class, [RIGHT + 10.0, y + height / 2.0 + 3.5], &words);
}

fn draw_stable(svg: &mut Svg, from: f64, to: f64, y: f64) {
    svg.line("stable", [from, y, to.max(from), y]);
    svg.circle("stable-dot", [from, y], 2.8);
}

/// Total variation between a window's histogram and the one before.
fn change(point: &CoursePoint) -> f64 {
    point.change.iter().flatten().map(|change| f64::from(change.abs())).sum::<f64>() / 2.0
}

fn gridline(svg: &mut Svg, y: f64, text: &str) {
    svg.line("grid", [LEFT, y, RIGHT, y]);
    svg.text("end", [LEFT - 8.0, y + 3.5], text);
}

fn label(svg: &mut Svg, y: f64, class: &str, text: &str) {
    svg.text(class, [RIGHT + 10.0, y + 4.0], text);
}

fn finite(steps: &[u64], values: impl Iterator<Item = Option<f64>>) -> Vec<[f64; 2]> {
    let pairs = steps.iter().zip(values);
    pairs
        .filter_map(|(&step, value)| {
            value.filter(|value| value.is_finite()).map(|value| [step as f64, value])
        })
        .collect()
}

/// Exponential moving average (0.9), unbiased at its start.
fn moving_average(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let step = |&[step, value]: &[f64; 2]| {
        sum = 0.9 * sum + 0.1 * value;
        weight = 0.9 * weight + 0.1;
        [step, sum / weight]
    };
    points.iter().map(step).collect()
}

/// The extremes of each pixel column, in order; everything where that is little.
fn reduced(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let chunk = points.len().div_ceil(MOST_POINTS / 2);
    let extremes = |chunk: &[[f64; 2]]| {
        let low = chunk.iter().copied().min_by(|a, b| a[1].total_cmp(&b[1]));
        let high = chunk.iter().copied().max_by(|a, b| a[1].total_cmp(&b[1]));
        let mut pair: Vec<[f64; 2]> = low.into_iter().chain(high).collect();
        pair.sort_by(|a, b| a[0].total_cmp(&b[0]));
        pair
    };
    points.chunks(chunk).flat_map(extremes).collect()
}

fn describe(run: &RunView) -> String {
    let accuracy = run.scalars.last_accuracy().map_or_else(|| "not measured".to_owned(), percent);
    let loss = run.scalars.loss.last().copied().map_or_else(|| "not recorded".to_owned(), short);
    format!(
        "Loss and accuracy over {} iterations: last loss {loss}, validation accuracy {accuracy}",
        grouped(run.step)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_curves_keep_their_extremes_and_order() {
        let points: Vec<[f64; 2]> = (0..10_000).map(|i| [f64::from(i), f64::from(i * 7919 % 1000)]).collect();
        let few = reduced(points);
        assert!(few.len() <= MOST_POINTS && few.is_sorted_by(|a, b| a[0] <= b[0]));
        assert!(few.iter().any(|p| p[1] == 999.0) && few.iter().any(|p| p[1] == 0.0));
    }

    #[test]
    fn an_average_of_a_constant_is_the_constant() {
        let smooth = moving_average(&[[0.0, 2.0], [1.0, 2.0], [2.0, 2.0]]);
        assert!(smooth.iter().all(|point| (point[1] - 2.0).abs() < 1e-12));
    }
}
