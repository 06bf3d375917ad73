// See src/dist/shim/README.md.
#pragma once
