// A model that writes what of it was reached, when it is deleted, into $SKIPBEAT_COVERAGE. What follows takes
// it for Vtop.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "Vtop.h"
#include "verilated_cov.h"

namespace {

int here;  // an address in this library, and in no other

struct CoveredTop : Vtop {
    using Vtop::Vtop;

    ~CoveredTop() {
        Dl_info library;
        const char* folder = std::getenv("SKIPBEAT_COVERAGE");
        if (!folder || !dladdr(&here, &library)) return;
        // The library lies in a folder that is called by the key of the build.
        std::string key = library.dli_fname;
        key.erase(key.rfind('/'));
        std::string name = std::string(folder) + "/" + key.substr(key.rfind('/') + 1) + "-XXXXXX.dat";
        const int file = mkstemps(name.data(), 4);
        if (file < 0) return;
        close(file);
        contextp()->coveragep()->write(name.c_str());
    }
};

}  // namespace

#define Vtop CoveredTop
