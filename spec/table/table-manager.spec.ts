import { Database } from '../../lib/index.js';
import { behavesLikeATable } from '../support/behaves-like-a-table.js';

behavesLikeATable('in memory', (tables) => new Database({ tables }));
