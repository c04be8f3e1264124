/** Behind a path, as notebook servers proxy other programs: the prefix is taken off, everything else is passed on. */

import { createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { heatmap, inputMap } from './gestures.ts';
import { openPage, served } from './harness.ts';

const PREFIX = '/user/ann/proxy/6116/';
const shared = served(60);
let proxy: Server;

beforeAll(async () => {
  const inner = (url: string | undefined) => `/${(url ?? '').slice(PREFIX.length)}`;
  proxy = createServer((asked, answer) => {
    if (!asked.url?.startsWith(PREFIX)) {
      answer.writeHead(404).end();
      return;
    }
    const { port } = shared.server;
    const passed = request({ port, path: inner(asked.url), method: asked.method, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  proxy.on('upgrade', (asked, socket, head) => {
    const target = connect({ port: shared.server.port, host: '127.0.0.1' }, () => {
      const headers = asked.rawHeaders.flatMap((text, index) =>
        index % 2 === 0 ? [`${text}: ${asked.rawHeaders[index + 1]}`] : [],
      );
      target.write(`GET ${inner(asked.url)} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      target.write(head);
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
});

afterAll(() => {
  proxy.closeAllConnections();
  proxy.close();
});

it('the page works and asks for nothing beside its prefix', async () => {
  const { port } = proxy.address() as AddressInfo;
  const watched = await openPage(shared.browser, 'about:blank');
  const { page, errors, close } = watched;
  const beside: string[] = [];
  const sockets: string[] = [];
  page.on('request', (asked) => {
    if (!new URL(asked.url()).pathname.startsWith(PREFIX)) beside.push(asked.url());
  });
  page.on('websocket', (socket) => sockets.push(new URL(socket.url()).pathname));
  await page.goto(`http://127.0.0.1:${port}${PREFIX}#layer=fc1`);
  await inputMap(page).waitFor();
  await heatmap(page).waitFor();
  await heatmap(page).click({ position: { x: 20, y: 20 } });
  await page.getByText(/Top \d inputs/).waitFor();
  expect(beside).toEqual([]);
  expect(sockets[0]).toBe(`${PREFIX}api/live`);
  await expect.poll(() => page.getByText('Connection lost').count()).toBe(0);
  expect(errors).toEqual([]);
  await close();
});
