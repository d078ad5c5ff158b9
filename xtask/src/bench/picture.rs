//! Pictures of figures as SVG: bars on a logarithmic axis, and curves. Takes names and numbers,
//! gives the text of a file.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: u32 = 860;
const BAR_HEIGHT: i32 = 20;
const NAMES_WIDTH: i32 = 150;
const TOP: i32 = 40;
const OWN: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const OTHER: RGBColor = RGBColor(0x9a, 0xa5, 0xb1);
const MARK: RGBColor = RGBColor(0xc0, 0x39, 0x2b);
const CONTENDERS: [&str; 9] = [
    "CPython", "baseline", "uvloop", "PyPy", "Lua", "LuaJIT", "Node", "Go", "tokio",
];

/// One bar per figure, its number beside it, and a line at each mark.
///
/// # Errors
/// Where it can't be drawn.
pub fn bars(title: &str, bars: &[(String, f64)], marks: &[f64]) -> Result<String, String> {
    if bars.is_empty() {
        return Err("no figures to draw".to_owned());
    }
    let all = bars.iter().map(|bar| bar.1).chain(marks.iter().copied());
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for x in all {
        low = low.min(x);
        high = high.max(x);
    }
    let (low, high) = ((low / 1.6).ln(), (high * 1.1).ln());
    let left = NAMES_WIDTH + 10;
    let right = WIDTH as i32 - 80;
    let at = |x: f64| left + ((x.ln() - low) / (high - low) * f64::from(right - left)) as i32;
    let height = TOP + BAR_HEIGHT * bars.len() as i32 + 10;

    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height as u32)).into_drawing_area();
        let draw = || -> Result<(), Box<dyn std::error::Error + '_>> {
            area.fill(&WHITE)?;
            let head = ("sans-serif", 16).into_font().color(&BLACK);
            area.draw_text(title, &head, (10, 12))?;
            let small = ("sans-serif", 13).into_font().color(&BLACK);
            let names = small.pos(Pos::new(HPos::Right, VPos::Center));
            let numbers = small.pos(Pos::new(HPos::Left, VPos::Center));
            for (index, (name, figure)) in bars.iter().enumerate() {
                let top = TOP + BAR_HEIGHT * index as i32;
                let middle = top + BAR_HEIGHT / 2;
                let color = if CONTENDERS.contains(&name.as_str()) {
                    OTHER
                } else {
                    OWN
                };
                let corners = [(left, top + 3), (at(*figure), top + BAR_HEIGHT - 3)];
                area.draw(&Rectangle::new(corners, color.filled()))?;
                area.draw_text(name, &names, (NAMES_WIDTH, middle))?;
                let shown = if *figure >= 100.0 {
                    format!("{figure:.0}")
                } else {
                    format!("{figure:.2}")
                };
                area.draw_text(&shown, &numbers, (at(*figure) + 5, middle))?;
            }
            for &mark in marks {
                let line = [(at(mark), TOP - 6), (at(mark), height - 8)];
                area.draw(&PathElement::new(line, MARK.stroke_width(1)))?;
                let style = ("sans-serif", 11).into_font().color(&MARK);
                area.draw_text(&format!("{mark}"), &style, (at(mark) + 3, TOP - 10))?;
            }
            Ok(area.present()?)
        };
        draw().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

/// A curve's title and its lines: a name and points each.
pub type Curve = (String, Vec<(String, Vec<(f64, f64)>)>);

/// A small picture per curve, two beside each other, with logarithmic axes.
///
/// # Errors
/// Where it can't be drawn.
pub fn curves(curves: &[Curve]) -> Result<String, String> {
    let n_rows = curves.len().div_ceil(2);
    let mut svg = String::new();
    {
        let size = (WIDTH, 210 * n_rows as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(|error| error.to_string())?;
        for (panel, curve) in area.split_evenly((n_rows, 2)).iter().zip(curves) {
            draw_curve(panel, curve).map_err(|error| error.to_string())?;
        }
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

fn draw_curve<'a>(
    panel: &DrawingArea<SVGBackend<'a>, Shift>,
    (title, lines): &Curve,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let points = lines.iter().flat_map(|(_, points)| points);
    let mut low = (f64::INFINITY, f64::INFINITY);
    let mut high = (0.0_f64, 0.0_f64);
    for (x, y) in points.filter(|point| point.1.is_finite()) {
        low = (low.0.min(*x), low.1.min(*y));
        high = (high.0.max(*x), high.1.max(*y));
    }
    let y_axis = (low.1 / 2.0).max(0.1)..(high.1 * 2.0).max(1.0);
    let mut chart = ChartBuilder::on(panel)
        .caption(format!("ns per {title}"), ("sans-serif", 14))
        .margin(8)
        .x_label_area_size(22)
        .y_label_area_size(48)
        .build_cartesian_2d((low.0..high.0).log_scale(), y_axis.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_labels(3)
        .y_labels(4)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for (name, points) in lines {
        let color = if name == "lockstep" { OWN } else { OTHER };
        let points = || points.iter().copied().filter(|point| point.1.is_finite());
        chart
            .draw_series(LineSeries::new(points(), color.stroke_width(2)).point_size(3))?
            .label(name.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .label_font(("sans-serif", 11))
        .draw()?;
    Ok(())
}
