// Empty on purpose: this unit exists so that the precompiled header has an owner.
