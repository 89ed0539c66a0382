SELECT digest FROM ljwx.forward_batches WHERE digest IS NOT NULL ORDER BY session DESC LIMIT 1
