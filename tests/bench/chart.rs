//! A bar chart of what was measured on one set of data, as SVG: for each row of the table the time of aicr, and below
//! it that of what it is compared with.

use std::fmt::Write;

use crate::table::Row;

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 16.0;
/// Where the bars begin: to the left of it is what was done.
const AXIS: f64 = 190.0;
/// The longest bar. To the right of it is room for the words.
const LONGEST: f64 = 270.0;
const BAR: f64 = 15.0;
const ROW: f64 = 2.0 * BAR + 14.0;
const HEAD: f64 = 42.0;

/// The chart with `title` above it.
pub(crate) fn draw(title: &str, rows: &[Row]) -> String {
    let longest = rows.iter().flat_map(|row| [row.ours, row.theirs]).fold(f64::MIN_POSITIVE, f64::max);
    let (mut bars, mut top) = (String::new(), HEAD);
    for row in rows {
        let _ = writeln!(
            bars,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            AXIS - 8.0,
            top + BAR + 4.0,
            escaped(&row.work)
        );
        let [_, ratio, _] = row.ratio;
        for (line, seconds, colour, words) in [
            (0.0, row.ours, "#1b6ca8", format!("aicr: {:.2} s ({ratio:.2})", row.ours)),
            (1.0, row.theirs, "#b4b4b4", format!("{}: {:.2} s", row.against, row.theirs)),
        ] {
            let (y, length) = (top + line * BAR, LONGEST * seconds / longest);
            let _ = writeln!(
                bars,
                "<rect x=\"{AXIS}\" y=\"{y}\" width=\"{length:.1}\" height=\"{}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{}</text>",
                BAR - 2.0,
                AXIS + length + 6.0,
                y + BAR - 4.0,
                escaped(&words)
            );
        }
        top += ROW;
    }
    let height = top + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"14\" font-weight=\"bold\">{}</text>\n{bars}</svg>\n",
        escaped(title)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
