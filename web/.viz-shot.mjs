import { chromium } from 'playwright-core';
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox','--disable-gpu','--use-gl=angle','--use-angle=swiftshader','--enable-unsafe-swiftshader','--disable-quic'] });
const shots = JSON.parse(process.argv[2]);
for (const [name, theme, w, h, frag, act] of shots) {
  const c = await b.newContext({ viewport: { width: w, height: h }, colorScheme: theme, reducedMotion: 'reduce' });
  const p = await c.newPage();
  p.on('pageerror', e => console.log(name, 'ERR', e.message));
  p.on('console', m => m.type()==='error' && console.log(name, m.text()));
  await p.goto('http://127.0.0.1:5397/' + frag);
  await p.waitForTimeout(4500);
  if (act === 'lasso') {
    const bx = await p.locator('.map').first().boundingBox();
    const at=(x,y)=>[bx.x+bx.width*x,bx.y+bx.height*y];
    await p.mouse.move(...at(.15,.15)); await p.mouse.down();
    for (const q of [[.5,.15],[.5,.55],[.15,.55],[.15,.15]]) await p.mouse.move(...at(...q),{steps:4});
    await p.mouse.up(); await p.waitForTimeout(2500);
  }
  if (act === 'hover') {
    const bx = await p.locator('.map').first().boundingBox();
    for (let i=0;i<40;i++){ await p.mouse.move(bx.x+bx.width*(.3+.01*i), bx.y+bx.height*.5); if (await p.getByText('activation').count()>1) break; }
    await p.waitForTimeout(1200);
  }
  await p.screenshot({ path: `/tmp/viz-${name}.png` });
  await c.close();
}
await b.close();
