/** The area that a pointer is drawing. */

import type { Palette } from '../lib/colours';
import type { Pen } from '../lib/pen';

/** `area`: its corners, interleaved, in the view's pixels. */
export function drawArea(pen: Pen, area: readonly number[], palette: Palette): void {
  if (area.length < 4) return;
  pen.beginPath();
  for (let corner = 0; corner + 1 < area.length; corner += 2) pen.lineTo(area[corner]!, area[corner + 1]!);
  pen.closePath();
  pen.fillStyle = palette.accent;
  pen.globalAlpha = 0.1;
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = palette.accent;
  pen.lineWidth = 1.5;
  pen.stroke();
}
