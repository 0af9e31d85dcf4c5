import { type CallHandler, Inject, Injectable, type NestInterceptor, type Type, UseInterceptors } from '@nestjs/common';
import { concatMap, type Observable } from 'rxjs';
import type { Database } from '../database.js';
import { DEFAULT_DATABASE, getDatabaseToken } from '../inject/tokens.js';

/**
 * On a handler, or a whole controller: what it answers goes out when everything committed so far is durable, so that an
 * answer is a promise. Of a stream, each value waits. Where the store fails, the request fails. A handler that sends
 * the response by itself, through `@Res()`, is not held back.
 *
 * @example
 * ```ts foreign: whole in docs/nestjs.md
 * @Post() @Durable()
 * create(@Body() account: NewAccount) { return this.accounts.insert(account); }
 * ```
 */
export function Durable(database: string = DEFAULT_DATABASE): MethodDecorator & ClassDecorator {
  let interceptor = interceptors.get(database);
  if (interceptor === undefined) {
    interceptor = interceptorOf(database);
    interceptors.set(database, interceptor);
  }
  return UseInterceptors(interceptor);
}

const interceptors = new Map<string, Type<NestInterceptor>>();

function interceptorOf(database: string): Type<NestInterceptor> {
  class DurableInterceptor implements NestInterceptor {
    constructor(private readonly db: Database) {}

    intercept(_context: unknown, next: CallHandler): Observable<unknown> {
      return next.handle().pipe(
        concatMap(async (answer: unknown) => {
          await this.db.waitForOps();
          return answer;
        }),
      );
    }
  }
  Injectable()(DurableInterceptor);
  Inject(getDatabaseToken(database))(DurableInterceptor, undefined, 0);
  return DurableInterceptor;
}
