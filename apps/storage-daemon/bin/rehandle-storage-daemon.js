#!/usr/bin/env node
// All of the daemon in one file: a few hundred modules, one by one, took as long again to load.
import "../dist/bundle/main.js";
