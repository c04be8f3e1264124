//! How numbers and filters are put into the sentences of findings.

use crate::FilterState;

/// Indices of the filters in a state.
pub(super) fn of_state(states: &[FilterState], state: FilterState) -> Vec<usize> {
    states.iter().enumerate().filter(|&(_, &one)| one == state).map(|(filter, _)| filter).collect()
}

/// `368,640`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as per cent, with as many digits as it takes to tell it from zero: `12 %`, `4.1 %`, `0.0008 %`.
pub(super) fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value == 0.0 || value >= 9.95 {
        return format!("{value:.0} %");
    }
    let decimals = (1.0 - value.log10().floor()).clamp(1.0, 12.0) as usize;
    let text = format!("{value:.decimals$}");
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `3 of 20 filters`.
pub(super) fn of_filters(count: usize, all: usize) -> String {
    format!("{} of {} {}", thousands(count as u64), thousands(all as u64), plural(all, "filter", "filters"))
}

/// `368,640 instances of 1,280 inputs`, or only the instances where inputs are unknown.
pub(super) fn instances(instances: u64, inputs: Option<u64>) -> String {
    let text = format!("{} {}", thousands(instances), plural(instances as usize, "instance", "instances"));
    match inputs {
        Some(inputs) => {
            format!("{text} of {} {}", thousands(inputs), plural(inputs as usize, "input", "inputs"))
        }
        None => text,
    }
}

/// The word that goes with a count.
pub(super) fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}
