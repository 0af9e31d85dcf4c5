import { readFileSync } from 'node:fs';
import { Controller, Get, Header } from '@nestjs/common';

const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", 'img-src data:'],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

@Controller()
export class PageController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  page(): string {
    return read('page.html');
  }

  @Get('page.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  script(): string {
    return read('page.js');
  }

  @Get('page.css')
  @Header('content-type', 'text/css; charset=utf-8')
  style(): string {
    return read('page.css');
  }
}

/** The sources of the page, as they are: seen from where this file is compiled to. */
function read(name: string): string {
  return readFileSync(new URL(`../../../examples/nest/page/${name}`, import.meta.url), 'utf8');
}
