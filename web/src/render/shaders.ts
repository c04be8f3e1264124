/** One vertex a point; the index buffer gives the drawing order. */

export const VERTEX_SHADER = `#version 300 es
precision highp float;
in vec2 a_from;
in vec2 a_to;
in vec4 a_color;
in float a_radius;
in float a_shape;
uniform float u_mix;
uniform vec2 u_scale;
uniform vec2 u_offset;
uniform vec2 u_size;
uniform float u_ratio;
uniform float u_grow;
out vec4 v_color;
out float v_radius;
flat out int v_shape;

void main() {
  vec2 screen = u_offset + u_scale * mix(a_from, a_to, u_mix);
  vec2 clip = screen / u_size * 2.0 - 1.0;
  v_radius = a_radius * u_grow * u_ratio;
  v_color = a_color;
  v_shape = int(a_shape + 0.5);
  bool hidden = v_radius <= 0.0 || a_color.a <= 0.0;
  gl_Position = hidden ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(clip.x, -clip.y, 0.0, 1.0);
  gl_PointSize = 2.0 * v_radius + 2.0;
}`;

/** Signed distances to each mark's outline, one device pixel of smoothing. Every mark covers about the same area. */
export const FRAGMENT_SHADER = `#version 300 es
precision highp float;
in vec4 v_color;
in float v_radius;
flat in int v_shape;
uniform float u_ring;
out vec4 color;

float outside(vec2 p) {
  if (v_shape == 1) return abs(length(p) - v_radius + 0.5 * u_ring) - 0.5 * u_ring;
  if (v_shape == 2) return max(abs(p.x), abs(p.y)) - 0.88 * v_radius;
  if (v_shape == 3) return (abs(p.x) + abs(p.y) - 1.2 * v_radius) * 0.7071;
  return length(p) - v_radius;
}

void main() {
  vec2 p = (gl_PointCoord - 0.5) * (2.0 * v_radius + 2.0);
  float alpha = v_color.a * clamp(0.5 - outside(p), 0.0, 1.0);
  if (alpha <= 0.0) discard;
  color = vec4(v_color.rgb * alpha, alpha);
}`;
