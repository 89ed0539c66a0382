UPDATE ljwx.models SET verified = %(verified)s WHERE model = %(model)s AND digest = %(digest)s
