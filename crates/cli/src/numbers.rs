//! Numbers as people read them: grouped digits, a real minus sign, few figures.

/// Digits in groups of three: `431,080`.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as a percentage with one decimal: `97.8 %`; two where it is below one percent but not zero.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "–".to_owned();
    }
    let value = share * 100.0;
    let decimals = if value != 0.0 && value.abs() < 0.995 { 2 } else { 1 };
    signed_minus(&format!("{value:.decimals$} %"))
}

/// Three significant figures, scientific only where a plain number would be unreadable.
pub(crate) fn short(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let text = if size == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e7).contains(&size) {
        format!("{value:.2e}")
    } else if size >= 1000.0 {
        let rounded = size.round() as u64;
        format!("{}{}", if value < 0.0 { "-" } else { "" }, grouped(rounded))
    } else {
        let decimals = (2 - size.log10().floor() as i32).clamp(0, 6) as usize;
        trimmed(format!("{value:.decimals$}"))
    };
    signed_minus(&text)
}

/// A count with a unit prefix and three figures: `2.29 M`, `368 k`.
pub(crate) fn prefixed(value: u64) -> String {
    let value = value as f64;
    for (limit, prefix) in [(1e9, "G"), (1e6, "M"), (1e4, "k")] {
        if value >= limit {
            let unit = if prefix == "k" { 1e3 } else { limit };
            return format!("{} {prefix}", short(value / unit));
        }
    }
    grouped(value as u64)
}

/// A duration: `41 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `1 filter`, `2 filters`: a count with its noun.
pub(crate) fn count(value: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(value as u64), if value == 1 { "" } else { "s" })
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn signed_minus(text: &str) -> String {
    text.strip_prefix('-').map_or_else(|| text.to_owned(), |rest| format!("−{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(431_080), "431,080");
        assert_eq!(grouped(1_000_000), "1,000,000");
        assert_eq!(percent(0.978), "97.8 %");
        assert_eq!(percent(-0.0021), "−0.21 %");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(short(0.139_42), "0.139");
        assert_eq!(short(-12.0), "−12");
        assert_eq!(short(25_050.4), "25,050");
        assert_eq!(short(f64::NAN), "–");
        assert_eq!(short(1.5e-6), "1.50e-6");
        assert_eq!(prefixed(2_293_000), "2.29 M");
        assert_eq!(prefixed(368_640), "369 k");
        assert_eq!(prefixed(5_010), "5,010");
        assert_eq!(duration(3.25), "3.2 s");
        assert_eq!(duration(200.0), "3 min 20 s");
        assert_eq!(duration(7_500.0), "2 h 5 min");
        assert_eq!(count(1, "filter"), "1 filter");
    }
}
