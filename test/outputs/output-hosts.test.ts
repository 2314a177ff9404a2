import { describe, expect, it } from 'vitest';
import { checkOutputUrl, parseOutputHosts } from '../../functions/outputs/output-hosts.ts';

const HOSTS = parseOutputHosts(
  'wiro.ai, 127.0.0.1:9000,simulator:8080, [::1]:7000, 10.0.0.5:80, Bücher.example',
);

describe('parseOutputHosts', () => {
  it('reads hosts and hosts with a port, normalised', () => {
    expect(HOSTS).toEqual([
      { kind: 'domain', host: 'wiro.ai' },
      { kind: 'exact', host: '127.0.0.1', port: '9000' },
      { kind: 'exact', host: 'simulator', port: '8080' },
      { kind: 'exact', host: '::1', port: '7000' },
      { kind: 'exact', host: '10.0.0.5', port: '80' },
      { kind: 'domain', host: 'xn--bcher-kva.example' },
    ]);
  });

  it.each([
    '',
    ' , ',
    'ai',
    'localhost',
    '*.wiro.ai',
    'https://wiro.ai',
    'wiro.ai/x',
    'u@wiro.ai',
    'wiro.ai:0',
    'wiro.ai:99999',
    'a b.ai',
    'x:y:1',
  ])('refuses "%s"', (setting) => {
    expect(() => parseOutputHosts(setting)).toThrow('WIRO_OUTPUT_HOSTS');
  });
});

describe('checkOutputUrl', () => {
  it.each([
    ['https://wiro.ai/a.png', 'https://wiro.ai/a.png', false],
    ['https://cdn1.wiro.ai/a.png?x=1#top', 'https://cdn1.wiro.ai/a.png?x=1', false],
    ['HTTPS://CDN.WIRO.AI:443/a', 'https://cdn.wiro.ai/a', false],
    ['https://cdn.wiro.ai./a', 'https://cdn.wiro.ai/a', false],
    ['//cdn.wiro.ai/a', 'https://cdn.wiro.ai/a', false],
    ['http://cdn.wiro.ai/a?x=1', 'https://cdn.wiro.ai/a?x=1', false],
    ['http://wiro.ai:80/a', 'https://wiro.ai/a', false],
    ['https://ｃｄｎ.wiro.ai/a', 'https://cdn.wiro.ai/a', false],
    ['https://bücher.example/a', 'https://xn--bcher-kva.example/a', false],
    ['http://127.0.0.1:9000/a', 'http://127.0.0.1:9000/a', true],
    ['https://127.0.0.1:9000/a', 'https://127.0.0.1:9000/a', true],
    ['http://2130706433:9000/a', 'http://127.0.0.1:9000/a', true],
    ['http://[0:0::1]:7000/a', 'http://[::1]:7000/a', true],
    ['http://simulator:8080/a', 'http://simulator:8080/a', true],
  ])('allows %s', (text, url, mayBeLoopback) => {
    const check = checkOutputUrl(text, HOSTS);

    expect(check.kind === 'allowed' && [check.url.href, check.mayBeLoopback]).toEqual([url, mayBeLoopback]);
  });

  it.each([
    ...[
      '',
      'cdn.wiro.ai/a',
      '//evil.example/a',
      '/a',
      'ftp://wiro.ai/a',
      'file:///etc/passwd',
      'data:,x',
      'javascript:1',
    ],
    ...[
      'http://evil.example/a',
      'http://wiro.ai:8080/a',
      'http://cdn.wiro.ai:443/a',
      'https://wiro.ai:8443/a',
      'https://wiro.ai:80/a',
    ],
    ...[
      'https://notwiro.ai/a',
      'https://wiro.ai.evil.com/a',
      'https://wiro.ai@evil.com/a',
      'https://evil.com\\@wiro.ai/',
    ],
    ...[
      'https://user@wiro.ai/a',
      'https://:pass@wiro.ai/a',
      'https://evil.com#.wiro.ai',
      'https://evil.com?.wiro.ai',
    ],
    ...[
      'https://127.0.0.1/a',
      'https://2130706433/',
      'https://0x7f000001/',
      'https://0177.0.0.1/',
      'https://127.1/',
    ],
    ...[
      'http://127.0.0.1:9001/a',
      'http://127.0.0.2:9000/a',
      'http://0.0.0.0:9000/',
      'http://localhost:9000/',
    ],
    ...['https://169.254.169.254/latest/meta-data/', 'https://[::ffff:169.254.169.254]/', 'https://[::1]/'],
    ...[
      'https://[fd00:ec2::254]/',
      'https://[64:ff9b::a9fe:a9fe]/',
      'https://[fe80::1%25eth0]/',
      'https://①②⑦.0.0.1/',
    ],
    ...[
      'http://a.simulator:8080/',
      'http://simulator:8081/',
      'http://10.0.0.5/a',
      'https://ai/',
      'https://.wiro.ai../',
    ],
  ])('refuses %s', (text) => {
    expect(checkOutputUrl(text, HOSTS).kind).toBe('refused');
  });
});
