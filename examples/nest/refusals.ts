import { type ArgumentsHost, Catch, HttpException } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { WorkTableError } from '../../lib/index.js';

const STATUS: Readonly<Record<string, number>> = {
  WT_VALIDATION: 400,
  WT_QUERY: 400,
  WT_NOT_FOUND: 404,
  WT_DUPLICATE_KEY: 409,
  WT_UNIQUE_VIOLATION: 409,
};

/** What a table refuses, as HTTP says it. The texts of these errors name columns, and hold no row's values. */
@Catch(WorkTableError)
export class Refusals extends BaseExceptionFilter<WorkTableError> {
  override catch(error: WorkTableError, host: ArgumentsHost): void {
    const canBeTriedAgain = 'retryable' in error && error.retryable === true;
    const status = STATUS[error.code] ?? (canBeTriedAgain ? 503 : 500);
    const answer = new HttpException({ code: error.code, message: error.message }, status);
    super.catch((status === 500 ? error : answer) as WorkTableError, host);
  }
}
