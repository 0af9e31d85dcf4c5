#!/usr/bin/env node
import { NodeDisk } from '../disk/node-disk.js';
import { runCommand } from './commands.js';

process.exitCode = runCommand(process.argv.slice(2), new NodeDisk(), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isWatched: process.stderr.isTTY === true,
});
