SELECT model, digest FROM ljwx.aliases WHERE alias = 'champion'
