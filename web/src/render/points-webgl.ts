/** Points on the GPU: positions and styles in buffers, the view in uniforms. */

import { RING_WIDTH, type LayerHandle, type Panel, type PointLayer, type PointRenderer } from './points';
import { FRAGMENT_SHADER, VERTEX_SHADER } from './shaders';

const ATTRIBUTES = ['a_from', 'a_to', 'a_color', 'a_radius', 'a_shape'] as const;
const UNIFORMS = ['u_mix', 'u_scale', 'u_offset', 'u_size', 'u_ratio', 'u_grow', 'u_ring'] as const;
type Uniform = (typeof UNIFORMS)[number];

/** What a context holds; made anew when the browser gives a lost context back. */
interface Resources {
  readonly program: WebGLProgram;
  readonly uniforms: Record<Uniform, WebGLUniformLocation | null>;
  readonly from: WebGLBuffer;
  readonly to: WebGLBuffer;
}

let draws: boolean | null = null;

/**
 * Whether the browser's WebGL 2 can draw points. Tried once, on a canvas of its own: one that has had a WebGL context
 * never gets another kind.
 */
export function webglDraws(): boolean {
  if (draws !== null) return draws;
  const gl = document.createElement('canvas').getContext('webgl2');
  try {
    if (gl !== null) makeResources(gl);
    draws = gl !== null;
  } catch (error) {
    console.warn(String(error));
    draws = false;
  }
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  return draws;
}

/** The renderer, or `null` where the browser offers no WebGL 2. `restored` asks for a new drawing. */
export function createWebglPoints(canvas: HTMLCanvasElement, restored: () => void): PointRenderer | null {
  const gl = canvas.getContext('webgl2', { alpha: true, antialias: false, premultipliedAlpha: true });
  return gl ? new WebglPoints(canvas, gl, restored) : null;
}

class WebglPoints implements PointRenderer {
  readonly kind = 'webgl2';
  readonly #layers = new Set<WebglLayer>();
  #resources: Resources | null;
  #to: Float32Array = new Float32Array();
  #from: Float32Array | undefined;
  #height = 1;
  #ratio = 1;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
    private readonly restored: () => void,
  ) {
    this.#resources = makeResources(gl);
    canvas.addEventListener('webglcontextlost', this.#onLost);
    canvas.addEventListener('webglcontextrestored', this.#onRestored);
  }

  get count(): number {
    return this.#to.length / 2;
  }

  setPositions(to: Float32Array, from?: Float32Array): void {
    this.#to = to;
    this.#from = from?.length === to.length ? from : undefined;
    this.#upload();
  }

  createLayer(layer: PointLayer): LayerHandle {
    const made = new WebglLayer(this.gl, layer, (gone) => this.#layers.delete(gone));
    this.#layers.add(made);
    if (this.#resources) made.build(this.#resources);
    return made;
  }

  resize(width: number, height: number, ratio: number): void {
    this.#height = height;
    this.#ratio = ratio;
    const [deviceWidth, deviceHeight] = [
      Math.max(1, Math.round(width * ratio)),
      Math.max(1, Math.round(height * ratio)),
    ];
    if (this.canvas.width !== deviceWidth) this.canvas.width = deviceWidth;
    if (this.canvas.height !== deviceHeight) this.canvas.height = deviceHeight;
  }

  draw(panels: readonly Panel[], mix: number): void {
    const { gl } = this;
    if (!this.#resources || gl.isContextLost()) return;
    const { program, uniforms } = this.#resources;
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.useProgram(program);
    gl.enable(gl.SCISSOR_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.uniform1f(uniforms.u_mix, this.#from ? mix : 1);
    gl.uniform1f(uniforms.u_ratio, this.#ratio);
    gl.uniform1f(uniforms.u_ring, RING_WIDTH * this.#ratio);
    for (const panel of panels) {
      const { view } = panel;
      const left = Math.round(panel.x * this.#ratio);
      const bottom = Math.round((this.#height - panel.y - panel.height) * this.#ratio);
      const [width, height] = [Math.round(panel.width * this.#ratio), Math.round(panel.height * this.#ratio)];
      gl.viewport(left, bottom, width, height);
      gl.scissor(left, bottom, width, height);
      gl.uniform2f(uniforms.u_size, panel.width, panel.height);
      gl.uniform2f(uniforms.u_scale, view.scaleX, view.scaleY);
      gl.uniform2f(uniforms.u_offset, view.offsetX, view.offsetY);
      gl.uniform1f(uniforms.u_grow, panel.grow);
      for (const layer of panel.layers) if (layer instanceof WebglLayer) layer.draw(this.count);
    }
    gl.bindVertexArray(null);
  }

  dispose(): void {
    this.canvas.removeEventListener('webglcontextlost', this.#onLost);
    this.canvas.removeEventListener('webglcontextrestored', this.#onRestored);
    for (const layer of [...this.#layers]) layer.dispose();
    if (this.#resources) {
      this.gl.deleteBuffer(this.#resources.from);
      this.gl.deleteBuffer(this.#resources.to);
      this.gl.deleteProgram(this.#resources.program);
      this.#resources = null;
    }
    this.gl.getExtension('WEBGL_lose_context')?.loseContext();
  }

  readonly #onLost = (event: Event): void => {
    event.preventDefault();
    this.#resources = null;
    for (const layer of this.#layers) layer.forget();
  };

  readonly #onRestored = (): void => {
    this.#resources = makeResources(this.gl);
    this.#upload();
    for (const layer of this.#layers) layer.build(this.#resources);
    this.restored();
  };

  #upload(): void {
    if (!this.#resources) return;
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#resources.to);
    gl.bufferData(gl.ARRAY_BUFFER, this.#to, gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#resources.from);
    gl.bufferData(gl.ARRAY_BUFFER, this.#from ?? this.#to, gl.DYNAMIC_DRAW);
  }
}

/** One style of the points: its buffers and the array object that binds them to the shared positions. */
class WebglLayer implements LayerHandle {
  #vertexArray: WebGLVertexArrayObject | null = null;
  #buffers: WebGLBuffer[] = [];

  constructor(
    private readonly gl: WebGL2RenderingContext,
    private layer: PointLayer,
    private readonly gone: (layer: WebglLayer) => void,
  ) {}

  build(resources: Resources): void {
    const { gl } = this;
    this.#vertexArray = gl.createVertexArray();
    gl.bindVertexArray(this.#vertexArray);
    const attribute = (name: (typeof ATTRIBUTES)[number], buffer: WebGLBuffer, size: number, type: number): void => {
      const index = ATTRIBUTES.indexOf(name);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(index);
      gl.vertexAttribPointer(index, size, type, name === 'a_color', 0, 0);
    };
    this.#buffers = [0, 1, 2, 3].map(() => gl.createBuffer());
    const [color, radius, shape, order] = this.#buffers as [WebGLBuffer, WebGLBuffer, WebGLBuffer, WebGLBuffer];
    attribute('a_from', resources.from, 2, gl.FLOAT);
    attribute('a_to', resources.to, 2, gl.FLOAT);
    attribute('a_color', color, 4, gl.UNSIGNED_BYTE);
    attribute('a_radius', radius, 1, gl.FLOAT);
    attribute('a_shape', shape, 1, gl.UNSIGNED_BYTE);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, order);
    gl.bindVertexArray(null);
    this.#upload();
  }

  update(layer: PointLayer): void {
    this.layer = layer;
    if (this.#vertexArray) this.#upload();
  }

  draw(count: number): void {
    const { gl, layer } = this;
    if (!this.#vertexArray || layer.radius.length < count) return;
    gl.bindVertexArray(this.#vertexArray);
    if (!layer.shape) {
      const index = ATTRIBUTES.indexOf('a_shape');
      gl.disableVertexAttribArray(index);
      gl.vertexAttrib1f(index, 0);
    } else {
      gl.enableVertexAttribArray(ATTRIBUTES.indexOf('a_shape'));
    }
    if (layer.order) gl.drawElements(gl.POINTS, layer.order.length, gl.UNSIGNED_INT, 0);
    else gl.drawArrays(gl.POINTS, 0, count);
  }

  forget(): void {
    this.#vertexArray = null;
    this.#buffers = [];
  }

  dispose(): void {
    for (const buffer of this.#buffers) this.gl.deleteBuffer(buffer);
    this.gl.deleteVertexArray(this.#vertexArray);
    this.forget();
    this.gone(this);
  }

  #upload(): void {
    const { gl, layer } = this;
    const fill = (position: number, target: number, values: AllowSharedBufferSource): void => {
      gl.bindBuffer(target, this.#buffers[position]!);
      gl.bufferData(target, values, gl.DYNAMIC_DRAW);
    };
    gl.bindVertexArray(this.#vertexArray);
    fill(0, gl.ARRAY_BUFFER, layer.color);
    fill(1, gl.ARRAY_BUFFER, layer.radius);
    if (layer.shape) fill(2, gl.ARRAY_BUFFER, layer.shape);
    if (layer.order) fill(3, gl.ELEMENT_ARRAY_BUFFER, layer.order);
    gl.bindVertexArray(null);
  }
}

function makeResources(gl: WebGL2RenderingContext): Resources {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX_SHADER],
    [gl.FRAGMENT_SHADER, FRAGMENT_SHADER],
  ] as const) {
    const shader = gl.createShader(type);
    if (!shader) continue;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  ATTRIBUTES.forEach((name, index) => gl.bindAttribLocation(program, index, name));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`points cannot be drawn by WebGL: ${gl.getProgramInfoLog(program) ?? 'unknown reason'}`);
  }
  const uniforms = Object.fromEntries(
    UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]),
  ) as Resources['uniforms'];
  return { program, uniforms, from: gl.createBuffer(), to: gl.createBuffer() };
}
